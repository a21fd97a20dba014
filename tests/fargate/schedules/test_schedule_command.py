"""`schedule` in processes of its own, on a clock whose minutes are short: what runs, who runs it, and how it ends."""

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from local.processes import Child, Program
from local.waiting import wait_until
from tests.fargate.commands.calls import run
from tests.fixtures.servers import ROOT, passed_on
from tests.fixtures.stores import OwnRedis

PROJECT = ROOT / "tests" / "apps" / "projects" / "scheduled"
MINUTE_SECONDS = 0.5
SECONDS = 30
APP = """
from chalice import Chalice, Rate
app = Chalice(app_name="other")
"""
SCHEDULES = """
@app.schedule("cron(0 25 * * ? *)")
def late(event): ...
@app.schedule(Rate(0, unit=Rate.HOURS))
def often(event): ...
"""


class Process:
    """A process that runs the schedules of the project."""

    def __init__(self, folder: Path, name: str, environ: dict[str, str]) -> None:
        self._log = folder / name
        self._runs = folder / "runs"
        settings = {
            **passed_on(),
            "PYTHONPATH": str(ROOT),
            "POWERTOOLS_TRACE_DISABLED": "true",
            "HASTENED_MINUTE": str(MINUTE_SECONDS),
            "RUNS": str(self._runs),
            **environ,
        }
        command = [sys.executable, "-m", "tests.fargate.schedules.hastened"]
        self.child = Child(Program(name, command, self._log, settings, PROJECT))

    def log(self) -> str:
        return self._log.read_text()

    def runs(self) -> list[str]:
        """Return the due times that it has run."""
        return [time for pid, time in all_runs(self._runs) if pid == self.child.pid]

    def await_runs(self, number: int) -> None:
        assert wait_until(lambda: len(self.runs()) >= number, SECONDS), self.log()

    def await_line(self, text: str) -> None:
        assert wait_until(lambda: text in self.log(), SECONDS), f"no {text!r} in\n{self.log()}"

    def await_end(self) -> int | None:
        assert self.child.wait(SECONDS), self.log()
        return self.child.status


Begin = Callable[..., Process]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Begin a process with these settings; it ends with the test."""
    begun: list[Process] = []

    def begin(name: str = "process", **environ: str) -> Process:
        begun.append(Process(tmp_path, name, environ))
        return begun[-1]

    yield begin
    for process in begun:
        process.child.kill()


def all_runs(file: Path) -> list[tuple[int, str]]:
    """Return the process and the due time of each run, in their order."""
    lines = file.read_text().splitlines() if file.exists() else []
    return [(int(pid), time) for pid, time in map(str.split, lines)]


def due_times(folder: Path) -> list[str]:
    """Return the due times of all processes' runs."""
    return [time for _, time in all_runs(folder / "runs")]


def leases(redis_url: str) -> list[bytes]:
    """Return the keys of the leases that are held."""
    with redis.Redis.from_url(redis_url) as client:
        return list(client.keys("*:lease"))


def test_sigterm_lets_a_run_finish_and_begins_no_other(begin: Begin, tmp_path: Path) -> None:
    """The start has said what is due when, and the line of the run says for which time it was.

    A thread that the handler has left does not hold the end up.
    """
    process = begin(WAITS_FOR=str(tmp_path / "end"), LEAVES_A_THREAD="yes")
    process.await_runs(1)
    process.child.signal(signal.SIGTERM)
    process.await_line("every_minute, rate(1 minute) still runs; it may end within 20 s")
    process.child.signal(signal.SIGTERM)  # `timeout` sends two
    (tmp_path / "end").touch()
    assert process.await_end() == 0
    (run,) = process.runs()
    log = process.log()
    assert "schedule every_minute, rate(1 minute) is due next at " in log
    assert "schedule first_monday, cron(0 4 ? * MON#1 *) is due next at " in log
    assert "Run by chalice-fargate poll, since they wait for events and not for a time: on_cw_event paid" in log
    assert f'"due":"{run}","attempt":1' in log
    assert '"message":"Stopped"' in log


def test_a_run_that_does_not_end_is_cut_off_by_name(begin: Begin, tmp_path: Path) -> None:
    process = begin(WAITS_FOR=str(tmp_path / "never"), DRAIN_SECONDS="0")
    process.await_runs(1)
    process.child.signal(signal.SIGTERM)
    assert process.await_end() == 1
    assert "schedule every_minute, rate(1 minute) was still running after 0 s and is cut off" in process.log()


def test_ctrl_c_ends_the_wait_for_a_run(begin: Begin, tmp_path: Path) -> None:
    process = begin(WAITS_FOR=str(tmp_path / "never"))
    process.await_runs(1)
    process.child.signal(signal.SIGTERM)
    process.await_line("still runs")
    process.child.signal(signal.SIGINT)
    assert process.await_end() == 130


def test_when_the_holder_is_killed_another_process_goes_on(begin: Begin, redis_url: str, tmp_path: Path) -> None:
    settings = {"SCHEDULE_REDIS_URL": redis_url, "SCHEDULE_LEASE_SECONDS": "1"}
    first = begin("first", **settings)
    first.await_line("it holds lease 1")
    second = begin("second", **settings)
    second.await_line("Another process runs the schedules")
    first.await_runs(1)
    first.child.kill()
    second.await_runs(2)
    assert "it holds lease 2" in second.log()
    times = due_times(tmp_path)
    assert times == sorted(set(times))
    second.child.signal(signal.SIGTERM)
    assert second.await_end() == 0
    assert leases(redis_url) == []  # it gave it back


def test_a_holder_that_was_frozen_runs_nothing_when_it_goes_on(begin: Begin, redis_url: str, tmp_path: Path) -> None:
    """It renews its lease each 20 s: it learns by its next claim that the lease is over."""
    frozen = begin("frozen", SCHEDULE_REDIS_URL=redis_url, SCHEDULE_LEASE_SECONDS="60")
    frozen.await_runs(1)
    other = begin("other", SCHEDULE_REDIS_URL=redis_url, SCHEDULE_LEASE_SECONDS="1")
    other.await_line("Another process runs the schedules")
    frozen.await_runs(len(frozen.runs()) + 1)
    frozen.child.signal(signal.SIGSTOP)  # half a second before the next run
    before = frozen.runs()
    with redis.Redis.from_url(redis_url) as client:
        client.delete(*leases(redis_url))  # as if the time were over
    other.await_runs(1)
    frozen.child.signal(signal.SIGCONT)
    frozen.await_line("Lease 1 is lost")
    other.await_runs(len(other.runs()) + 1)
    assert frozen.runs() == before
    times = due_times(tmp_path)
    assert times == sorted(set(times))


def test_without_redis_the_process_waits_and_then_goes_on(begin: Begin, own_redis: OwnRedis) -> None:
    own_redis.stop()
    process = begin(SCHEDULE_REDIS_URL=own_redis.url, SCHEDULE_LEASE_SECONDS="1")
    process.await_line("No schedule runs until Redis answers again")
    assert process.runs() == []
    own_redis.start()
    process.await_runs(1)


@pytest.mark.parametrize("command", ["schedule", "check"])
def test_malformed_expressions_stop_the_start_with_a_line_for_each(tmp_path: Path, command: str) -> None:
    (tmp_path / "app.py").write_text(APP + SCHEDULES)
    ended = run(tmp_path, command)
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "Cannot start:",
        "schedule late: 'cron(0 25 * * ? *)' cannot be read: hours: '25' is not 0 to 23",
        "schedule often: 'rate(0 hours)' cannot be read: it is not a positive number and minute, minutes, hour, hours, "
        "day or days",
    ]


def test_an_app_without_schedules_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    ended = run(tmp_path, "schedule", environ={"SCHEDULE_REDIS_URL": "http://user:password@host"})
    assert (ended.returncode, ended.stderr) == (
        2,
        "Cannot start:\nSCHEDULE_REDIS_URL is not a URL such as rediss://host:6379/0\n",
    )
    ended = run(tmp_path, "schedule")
    assert (ended.returncode, ended.stderr) == (
        2,
        "Cannot start:\napp:app has no schedule: no handler with @app.schedule\n",
    )
