"""aws/chalice #386, #927, #1183: levels, handlers and errors of an app's own loggers."""

from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.fargate.telemetry.lines import Line, lines_of
from tests.fixtures.servers import serving

LOGS = "tests.apps.projects.logs.app:app"
TOKEN = "Bearer of-good-news"
OTHER_NAME = {"POWERTOOLS_SERVICE_NAME": "shop"}


def logged(tmp_path: Path, **environ: str) -> tuple[list[Line], str]:
    """Ask the app for its lines; return those of the console and the file of its own handler."""
    own = tmp_path / "own.log"
    with serving({"OWN_LOG": str(own), **environ}, LOGS) as server:
        httpx.get(server.url + "/logged")
        assert httpx.get(server.url + "/fault", headers={"Authorization": TOKEN}).status_code == 500
        server.process.terminate()
        assert server.process.wait(30) == 0
        return lines_of(server), own.read_text(encoding="utf-8")


@pytest.mark.parametrize("environ", [{}, OTHER_NAME], ids=["service named as the app", "service with another name"])
def test_the_levels_and_handlers_that_an_app_sets_stay(environ: dict[str, str], tmp_path: Path) -> None:
    lines, own = logged(tmp_path, **environ)
    times = Counter(str(line["message"]) for line in lines)
    for message in ("app debug", "app error", "library debug", "Caught exception for path /fault"):
        assert times[message] == 1, message
    assert own.count("library debug") == 2  # by two handlers of the app
    (fault,) = [line for line in lines if "exception" in line]
    assert fault["request_id"]
    assert "RuntimeError: not good" in fault["exception"]
    assert TOKEN not in str(lines)


def test_a_level_in_the_environment_is_that_of_all_lines(tmp_path: Path) -> None:
    lines, own = logged(tmp_path, POWERTOOLS_LOG_LEVEL="ERROR", **OTHER_NAME)
    assert {line["level"] for line in lines} == {"ERROR"}
    assert "app error" in [line["message"] for line in lines]
    assert own == ""
