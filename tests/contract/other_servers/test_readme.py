"""fargate/README.md's command lines for other people's servers are those that are tested here."""

import re
from pathlib import Path

import pytest

from tests.contract.other_servers.servers import OTHER_SERVERS

README = Path(__file__).resolve().parents[3] / "fargate" / "README.md"
LINES = re.findall(r"^(?:.*) serve:\w+$", README.read_text(encoding="utf-8"), re.MULTILINE)


def options(line: str) -> set[str]:
    """Return a command's program and options, without addresses and apps."""
    return {each for each in line.split() if not re.search(r":|\d{4}|\{port\}|0\.0\.0\.0", each)} - {"--host"}


@pytest.mark.parametrize("line", LINES)
def test_a_command_line_of_the_readme_is_tested(line: str) -> None:
    assert any(options(line) <= options(server.command) for server in OTHER_SERVERS.values())


def test_every_kind_of_server_has_one() -> None:
    assert {line.split()[0] for line in LINES} == {"gunicorn", "uwsgi", "waitress-serve", "hypercorn", "uvicorn"}
