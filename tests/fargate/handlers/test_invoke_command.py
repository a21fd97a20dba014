"""`invoke` in a process of its own: what is on which stream, the exit status, the log line and the trace segment."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fargate.commands.invoke import main
from fargate.lifecycle import Lifecycle
from tests.fargate.telemetry.xray.daemon import Daemon, listening_daemon
from tests.fixtures.servers import ROOT, passed_on

PROJECT = ROOT / "tests" / "apps" / "projects" / "handlers"
PARENT, TRACE_ID = "53995c3f42cd8ad8", "1-67891233-abcdef012345678912345678"
SECONDS = 30
TRACE = f"Root={TRACE_ID};Parent={PARENT};Sampled=1"


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with listening_daemon() as daemon:
        yield daemon


@contextlib.contextmanager
def begun(*arguments: str, **environ: str) -> Iterator["subprocess.Popen[str]"]:
    """Run `python -m fargate invoke` in the project's folder until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-m", "fargate", "invoke", *arguments],
        env={**passed_on(), "PYTHONPATH": str(ROOT), "POWERTOOLS_TRACE_DISABLED": "true", **environ},
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(*arguments: str, stdin: str = "", **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run `python -m fargate invoke` in the project's folder."""
    with begun(*arguments, **environ) as process:
        out, err = process.communicate(stdin, SECONDS)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def line_of(stderr: str) -> dict[str, Any]:
    """Return the line about the call, the only one."""
    lines = [json.loads(line) for line in stderr.splitlines() if line.startswith('{"level"')]
    (line,) = [line for line in lines if "invocation" in line]
    return line  # type: ignore[no-any-return]


def test_only_the_result_is_on_standard_output() -> None:
    """A thread that the handler has left does not hold the end up."""
    run = ended("prints", "--event", "{}")
    assert (run.returncode, run.stdout) == (0, '"done"\n')
    assert run.stderr.startswith("printed\nby a child\nby its number\n")
    assert line_of(run.stderr)["invocation"]["outcome"] == "success"


def test_a_reader_that_has_gone_does_no_harm() -> None:
    with begun("jobs_nightly", "--sample") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(SECONDS) == 0
    assert "Traceback" not in err


def test_a_call_is_logged_and_traced_like_a_request(daemon: Daemon) -> None:
    """The daemon has a name, so it is looked up; Powertools' decorators have Lambda's context."""
    environ = {"POWERTOOLS_TRACE_DISABLED": "false", "_X_AMZN_TRACE_ID": TRACE, "AWS_REGION": "eu-west-1"}
    address = daemon.address.replace("127.0.0.1", "localhost")
    run = ended("hourly", "--sample", AWS_XRAY_DAEMON_ADDRESS=address, **environ)
    assert run.returncode == 0, run.stderr
    line, segment = line_of(run.stderr), daemon.receive(TRACE_ID)
    call = line["invocation"]
    assert (line["level"], line["message"], line["service"]) == ("INFO", "schedule hourly success", "handlers")
    assert call.pop("duration_ms") >= 0
    assert call == {
        "kind": "schedule",
        "name": "hourly",
        "function_name": "handlers-dev-hourly",
        "outcome": "success",
    }
    assert line["xray_trace_id"] == TRACE_ID
    assert line["request_id"] == line["function_request_id"]
    assert line["orders"] == 3
    assert '"CloudWatchMetrics"' in run.stderr
    assert segment["parent_id"] == PARENT
    assert segment["annotations"] == {
        "handler": "hourly",
        "kind": "schedule",
        "request_id": line["request_id"],
        "correlation_id": TRACE_ID,
    }
    (step,) = segment["subsegments"]
    assert step["annotations"] == {"counted": 3, "ColdStart": True, "Service": "handlers"}
    assert "fault" not in segment


def test_an_error_is_printed_logged_and_traced(daemon: Daemon) -> None:
    environ = {"POWERTOOLS_TRACE_DISABLED": "false", "_X_AMZN_TRACE_ID": TRACE}
    run = ended("raises", "--event", "-", stdin="{}", AWS_XRAY_DAEMON_ADDRESS=daemon.address, **environ)
    assert run.returncode == 1
    error, line, segment = json.loads(run.stdout), line_of(run.stderr), daemon.receive(TRACE_ID)
    assert (error["errorType"], error["errorMessage"]) == ("OrderLost", "order 7: Größe")
    assert error["requestId"] == line["request_id"]
    assert error["stackTrace"][-1].endswith('in raises\n    raise OrderLost("order 7: Größe")\n')
    assert not [frame for frame in error["stackTrace"] if "/fargate/" in frame]
    assert (line["level"], line["message"]) == ("ERROR", "lambda_function raises error")
    assert (line["invocation"]["outcome"], line["exception_name"]) == ("error", "OrderLost")
    assert "in raises" in line["exception"]
    assert segment["fault"] is True
    (cause,) = segment["cause"]["exceptions"]
    assert (cause["type"], cause["message"]) == ("OrderLost", "order 7: Größe")


def test_the_event_is_on_standard_input_and_the_variables_are_the_functions() -> None:
    """The hook has run once, and the secret with the keys of requests stays unread."""
    arguments = ["handlers-dev-surroundings", "--deadline-seconds", "5"]
    run = ended(*arguments, stdin='{"id": 1}', API_KEYS_SECRET_ARN="arn:aws:secretsmanager:nowhere")
    seen = json.loads(run.stdout)
    assert (seen["event"], seen["started"], seen["place"]) == ({"id": 1}, ["on_start"], "this function")
    assert seen["seconds"] == 4


def test_a_sample_is_printed_without_starting_the_app() -> None:
    printed = ended("read_news", "--print-sample", BROKEN="1")
    assert printed.returncode == 0
    assert json.loads(printed.stdout)["Records"][0]["Sns"]["Message"] == '{"sample": true}'
    assert printed.stdout.startswith('{\n  "Records": [\n')


def test_what_is_wrong_before_the_call_is_status_2(tmp_path: Path) -> None:
    """All four begin together, since most of a second goes into each start."""
    (tmp_path / "broken.py").write_text("import nothing_of_this_name\n")
    fails = "broken fails at its start: ModuleNotFoundError: No module named 'nothing_of_this_name'"
    with (
        begun("nightly", "--sample") as unknown,
        begun("prints", "--sample", BROKEN="1") as refused,
        begun("prints") as without_event,
        begun("prints", "--sample", "--app", "broken", PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}") as broken,
    ):
        for process, message in (
            (unknown, "There is no handler 'nightly'. The app has:\n  authorizer admit\n"),
            (refused, "BROKEN is set\n"),
            (without_event, "There is no event: "),
            (broken, fails),
        ):
            out, err = process.communicate(timeout=SECONDS)
            assert (process.returncode, out) == (2, ""), err
            assert f"Cannot start:\n{message}" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--event", "{}", "--sample"], "argument --sample: not allowed with argument --event"),
        (["--sample", "--deadline-seconds", "0"], "'0' is not a number of seconds"),
    ],
)
def test_wrong_arguments_are_status_2(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["prints", *arguments], {}, Lifecycle())
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("number", "status", "hangs"), [(signal.SIGTERM, 143, "false"), (signal.SIGINT, 130, "true")])
def test_a_signal_lets_the_handler_clean_up_and_ctrl_c_ends_it_at_once(
    number: signal.Signals, status: int, hangs: str
) -> None:
    with begun("waits", "--event", f'{{"hangs": {hangs}}}') as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert process.stderr.readline() == "waiting\n"
        process.send_signal(number)
        assert process.stderr.readline() == "cleaning up\n"
        if hangs == "true":
            _hold_on(process)
            process.send_signal(number)
        assert process.wait(SECONDS) == status
        out = process.stdout.read()
    if hangs == "true":
        assert out == ""
    else:
        error = json.loads(out)
        assert error["errorType"] == "Runtime.ExitError"
        assert error["errorMessage"].endswith("Runtime exited with error: exit status 143")


def _hold_on(process: "subprocess.Popen[str]") -> None:
    """See a SIGTERM change nothing: `timeout` sends two."""
    assert process.stdin is not None
    assert process.stderr is not None
    process.send_signal(signal.SIGTERM)
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stderr.readline() == "still cleaning up\n"
