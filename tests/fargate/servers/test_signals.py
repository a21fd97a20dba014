"""SIGTERM and SIGINT request a stop, and end or skip the time of accepting."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from fargate.servers.signals import Stop, on_signals
from tests.fixtures.servers import END_SECONDS, ROOT


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
