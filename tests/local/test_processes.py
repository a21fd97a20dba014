"""Child processes always end, in bounded time, and none outlives its parent."""

import signal
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from local.errors import ProgramError
from local.processes import Child, Program, last_lines, require_ready, run
from local.waiting import wait_until
from tests.fixtures.stores import survivors

ROOT = Path(__file__).resolve().parents[2]


def python(code: str, log: Path | None = None, *, end_seconds: float = 10.0) -> Program:
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return Program("sample", command, log=log, folder=ROOT, end_seconds=end_seconds)


def printed(log: Path) -> str:
    """Wait for a child's first line."""
    assert wait_until(lambda: log.exists() and "\n" in log.read_text(), 20)
    return log.read_text().strip()


def test_a_child_is_in_a_session_of_its_own_and_ends_when_asked(tmp_path: Path) -> None:
    child = Child(python("import os, time; print(os.getsid(0), flush=True); time.sleep(60)", tmp_path / "log"))
    assert printed(tmp_path / "log") == str(child.pid)
    assert child.end() == -signal.SIGTERM
    assert not psutil.pid_exists(child.pid)


def test_a_child_that_does_not_end_is_killed_with_its_children(tmp_path: Path) -> None:
    code = """
        import signal, subprocess, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(subprocess.Popen(["/bin/sleep", "60"]).pid, flush=True)
        time.sleep(60)
    """
    child = Child(python(code, tmp_path / "log", end_seconds=0.2))
    started = psutil.Process(int(printed(tmp_path / "log")))
    assert child.end() == -signal.SIGKILL
    assert not survivors([started])


def test_two_threads_that_see_the_end_of_a_child_clean_up_once() -> None:
    for _ in range(30):
        child = Child(Program("sleeper", ["sleep", "60"]))
        with ThreadPoolExecutor(1) as other:
            seen = other.submit(wait_until, lambda child=child: not child.running, 20, lambda _: None)
            child.kill()
            assert seen.result()


def test_processes_that_a_child_leaves_running_are_ended_with_it(tmp_path: Path) -> None:
    code = 'import subprocess; print(subprocess.Popen(["/bin/sleep", "60"]).pid, flush=True)'
    child = Child(python(code, tmp_path / "log"))
    assert child.wait(20)
    left = int(printed(tmp_path / "log"))
    assert wait_until(lambda: not psutil.pid_exists(left) or psutil.Process(left).status() == "zombie", 10)


def test_the_children_of_a_killed_parent_end(tmp_path: Path) -> None:
    code = """
        import time
        from local.processes import Child, Program
        print(Child(Program("inner", ["/bin/sleep", "60"])).pid, flush=True)
        time.sleep(60)
    """
    parent = Child(python(code, tmp_path / "log"))
    inner = psutil.Process(int(printed(tmp_path / "log")))
    parent.process.kill()
    assert parent.wait(10)
    assert not survivors([inner])


def test_no_watchdog_outlives_its_child(tmp_path: Path) -> None:
    before = psutil.Process().children()
    child = Child(python("pass"))
    child.wait(20)
    assert psutil.Process().children() == before


def test_a_missing_program_is_reported_in_one_sentence() -> None:
    with pytest.raises(ProgramError, match=r"^sample cannot be started: No such file or directory: /no/such/program$"):
        Child(Program("sample", ["/no/such/program"]))


def test_a_program_that_fails_names_its_status_and_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(ProgramError, match=r"^sample failed \(exit status 3\)\.$") as caught:
        run(python("print('why'); raise SystemExit(3)", log), seconds=20)
    assert caught.value.log == log
    assert last_lines(log) == ["why"]


def test_a_program_that_takes_too_long_is_ended() -> None:
    started = time.monotonic()
    with pytest.raises(ProgramError, match="was not done after"):
        run(python("import time; time.sleep(60)"), seconds=0.2)
    assert time.monotonic() - started < 10


def test_a_server_that_ends_while_starting_is_reported_at_once() -> None:
    child = Child(python("raise SystemExit(4)"))
    with pytest.raises(ProgramError, match=r"ended while it was starting \(exit status 4\)"):
        require_ready(child, lambda: False, seconds=30)


def test_a_server_that_never_answers_is_given_up() -> None:
    child = Child(python("import time; time.sleep(60)"))
    with pytest.raises(ProgramError, match="did not answer within 0 s"):
        require_ready(child, lambda: False, seconds=0.1)
    child.end()


def test_the_end_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert last_lines(log) == []
    log.write_bytes(b"\n".join(b"%d" % number for number in range(100)) + b"\n\xff\n")
    assert last_lines(log, 3) == ["98", "99", "\ufffd"]
