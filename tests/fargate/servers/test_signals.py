"""SIGTERM and SIGINT request a stop, and end or skip the time of accepting."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fargate.servers.signals import Stop, on_signals
from local.waiting import wait_until
from tests.fixtures.servers import END_SECONDS, ROOT, passed_on
from tests.fixtures.tools import give_up

SLOW_START = """
import time
from pathlib import Path
from chalice import Chalice

app = Chalice("slow")


def on_start():
    Path("starting").touch()
    time.sleep(3600)
"""
AS_PROCESS_1 = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


@contextlib.contextmanager
def handling(stop: Stop) -> Iterator[list[None]]:
    """Handle signals; yield a list that grows by one for each."""
    woken: list[None] = []
    with on_signals(stop, lambda: woken.append(None)):
        yield woken


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_second_signal_shortens_the_time_of_accepting_and_never_prolongs_it() -> None:
    clock = Clock()
    stop = Stop(5, clock)
    with handling(stop) as woken:
        assert (stop.is_requested, stop.accept_seconds_left) == (False, float("inf"))
        os.kill(os.getpid(), signal.SIGTERM)
        assert (stop.is_requested, stop.accept_seconds_left, len(woken)) == (True, 5, 1)
        clock.now += 2
        assert stop.accept_seconds_left == 3
        os.kill(os.getpid(), signal.SIGTERM)
        assert (stop.accept_seconds_left, len(woken)) == (0, 2)
        os.kill(os.getpid(), signal.SIGTERM)
        assert (stop.accept_seconds_left, len(woken)) == (0, 3)


@pytest.mark.parametrize(
    ("accept_seconds", "signals"),
    [(0, [signal.SIGTERM]), (5, [signal.SIGTERM, signal.SIGTERM]), (5, [signal.SIGINT]), (0, [signal.SIGINT])],
)
def test_ctrl_c_ends_the_process_once_nothing_is_accepted(accept_seconds: float, signals: list[int]) -> None:
    with handling(Stop(accept_seconds)):
        for number in signals:
            os.kill(os.getpid(), number)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL


def test_ctrl_c_ends_the_process_once_the_time_has_run_out() -> None:
    script = """if True:
        import signal
        from fargate.servers.signals import Stop, on_signals
        stop = Stop(0.01)
        with on_signals(stop, lambda: None):
            signal.raise_signal(signal.SIGTERM)
            while stop.accept_seconds_left:
                pass
            signal.raise_signal(signal.SIGINT)
    """
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=END_SECONDS, check=False)
    assert ended.returncode == -signal.SIGINT


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("before", [(), AS_PROCESS_1], ids=["any process", "process 1"])
def test_a_signal_while_starting_ends_the_process(tmp_path: Path, before: tuple[str, ...], number: int) -> None:
    if before and not can_be_process_1():
        give_up("unshare cannot make a process 1 here: that needs root")
    (tmp_path / "slow.py").write_text(SLOW_START)
    environ = {**passed_on(), "PYTHONPATH": f"{tmp_path}:{ROOT}", "PORT": "0"}
    command = [*before, sys.executable, "-m", "fargate", "slow:app"]
    with subprocess.Popen(command, env=environ, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert wait_until((tmp_path / "starting").exists, END_SECONDS)
        os.kill(child_of(process.pid) if before else process.pid, number)
        _, said = process.communicate(timeout=END_SECONDS)
    assert (process.returncode, said) == (128 + number, f"Stopped by {signal.Signals(number).name} while starting\n")


def can_be_process_1() -> bool:
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*AS_PROCESS_1, "true"], capture_output=True, check=False).returncode == 0


def child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())


def test_signals_are_handled_before_anything_that_takes_time_is_imported() -> None:
    script = "import sys, fargate.__main__; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    imported = {name.partition(".")[0] for name in run.stdout.split()}
    assert not imported & {"argparse", "aws_lambda_powertools", "chalice", "json", "logging", "socket", "waitress"}


def test_after_the_drain_another_sigterm_changes_nothing() -> None:
    script = """if True:
        import signal
        from fargate.lifecycle import Lifecycle, Phase
        from fargate.servers.signals import end_while_starting
        lifecycle = Lifecycle(Phase.STARTING)
        end_while_starting(lifecycle)
        lifecycle.phase = Phase.DRAINING
        signal.raise_signal(signal.SIGTERM)
    """
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=END_SECONDS, check=False).returncode == 0
