"""`make run`: one command, real stores, and no process left however it ends."""

import contextlib
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local.ports import LOOPBACK, free_port
from tests.fixtures.stores import survivors, temporary_home
from tests.fixtures.tools import program
from tests.local.runs import Run, open_shop, started

PRODUCT = {"id": 1, "name": "Samsung TV", "price": 140}


@pytest.fixture(scope="module")
def used_home() -> Iterator[Path]:
    """A folder whose data the tests of this module share: its database is created once."""
    with temporary_home() as home:
        yield home


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder without data."""
    with temporary_home() as home:
        yield home


@contextlib.contextmanager
def hang_ups_ignored() -> Iterator[None]:
    """Ignore SIGHUP, as `nohup` does for what it starts."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def curl_lines(run: Run) -> list[str]:
    return [line.strip() for line in run.output().splitlines() if line.startswith("  curl ")]


def test_the_three_printed_curl_lines_work_and_their_data_is_there_at_the_next_run(
    used_home: Path,
) -> None:
    program("curl", "the printed lines are for it")
    with open_shop(used_home) as run:
        lines = curl_lines(run)
        answers = [subprocess.run(line, shell=True, capture_output=True, text=True, timeout=20) for line in lines]
    created, read, listed = (answer.stdout for answer in answers)
    assert created == '{"id":1,"name":"Samsung TV","price":140}'
    assert read.startswith("HTTP/1.1 200")
    assert read.endswith(created)
    assert listed == f'{{"products":[{created}],"next":null}}'
    with open_shop(used_home) as run:
        assert run.ask("GET", "/product/1") == (200, PRODUCT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything_in_order(used_home: Path, number: signal.Signals) -> None:
    with open_shop(used_home) as run:
        assert_ends_in_order(run, number)


def test_under_nohup_a_hang_up_ends_nothing_and_sigterm_everything(used_home: Path) -> None:
    with hang_ups_ignored(), open_shop(used_home) as run:
        run.child.signal(signal.SIGHUP)
        assert run.ask("GET", "/products")[0] == 200
        assert_ends_in_order(run, signal.SIGTERM)


def assert_ends_in_order(run: Run, number: signal.Signals) -> None:
    family = run.family()
    run.child.signal(number)
    assert run.status() == 0
    assert not survivors(family, 0)
    ending = [line.split()[1] for line in run.output().splitlines() if line.startswith("Ending")]
    assert ending[0] == "App"
    assert ending[-2:] == ["Redis", "PostgreSQL"]
    assert "Traceback" not in run.output()


def test_the_app_logs_in_as_a_role_of_its_own(used_home: Path) -> None:
    with open_shop(used_home) as run:
        assert run.ask("GET", "/products")[0] == 200
        servers = [" ".join(process.cmdline()) for process in run.process("postgres").children()]
    assert [title for title in servers if "shop_service shop 127.0.0.1" in title]
    assert not [title for title in servers if "postgres shop 127.0.0.1" in title], "no connection is the owner's"


@pytest.mark.parametrize(
    ("seen", "folder"),
    [("PostgreSQL ...", "home"), ("Redis ...", "used_home"), ("Migrations ...", "home"), ("App ...", "used_home")],
)
def test_a_signal_during_the_start_ends_what_was_started(
    request: pytest.FixtureRequest, seen: str, folder: str
) -> None:
    home: Path = request.getfixturevalue(folder)
    with started(home) as run:
        run.wait_for(seen)
        family = run.family()
        run.child.signal(signal.SIGINT)
        assert run.status() == 0
    assert not survivors(family, 0)
    assert not processes_of(home)
    assert "Traceback" not in run.output()


def test_a_killed_run_leaves_no_orphans(used_home: Path) -> None:
    with open_shop(used_home) as run:
        family = run.family()
        run.child.process.send_signal(signal.SIGKILL)
        assert run.status() == -signal.SIGKILL
    assert not survivors(family, 40)


def test_stale_processes_of_a_killed_run_are_ended_by_the_next_run(used_home: Path) -> None:
    with open_shop(used_home) as run:
        servers = [run.process(program) for program in ("postgres", "redis-server", "fargate")]
        watchdogs = [process for process in run.family() if process.name() == "sh"]
        run.child.process.send_signal(signal.SIGSTOP)  # so that it cannot react
        for process in (*watchdogs, psutil.Process(run.child.pid)):
            process.kill()
        assert run.status() == -signal.SIGKILL
    assert all(server.is_running() for server in servers)
    with open_shop(used_home) as run:
        for name, server in zip(("PostgreSQL", "Redis", "app"), servers, strict=True):
            assert f"Ended the {name} left over from an earlier run (process {server.pid})." in run.output()
        assert run.ask("GET", "/readyz")[0] == 200
        assert not survivors(servers, 0)


def test_a_second_run_is_refused_in_one_sentence(used_home: Path) -> None:
    with open_shop(used_home) as first:
        with started(used_home) as second:
            assert second.status() == 1
        assert second.output() == f"Already running from this checkout (process {first.child.pid}).\n"
        assert first.ask("GET", "/readyz")[0] == 200


@pytest.mark.parametrize("address", [LOOPBACK, "0.0.0.0"])
def test_with_its_port_taken_it_says_so_and_starts_nothing(home: Path, address: str) -> None:
    with socket.create_server((address, 0)) as taken:
        port = taken.getsockname()[1]
        with started(home, {"PORT": str(port)}) as run:
            assert run.status() == 1
    assert run.output() == (
        f"Port {port} is taken: stop what listens there, or choose another one: PORT={port + 1} make run\n"
    )
    assert [path.name for path in (home / "data").iterdir()] == ["lock"]


def test_a_port_that_is_none_is_refused_in_one_sentence(home: Path) -> None:
    with started(home, {"PORT": "http"}) as run:
        assert run.status() == 1
    assert run.output() == "PORT is 'http', not a number from 1 to 65535.\n"


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("postgres", "PostgreSQL ended by itself (SIGKILL)."),
        ("redis-server", "Redis ended by itself (SIGKILL)."),
        ("fargate", "App ended by itself (SIGKILL). Its log is above."),
    ],
)
def test_when_a_part_dies_it_says_which_and_ends_the_rest(used_home: Path, program: str, sentence: str) -> None:
    with open_shop(used_home) as run:
        family = run.family()
        run.process(program).kill()
        assert run.status() == 1
    assert not survivors(family)
    assert sentence in run.output()
    assert "Traceback" not in run.output()


def test_stores_that_the_environment_names_are_used_and_none_embedded(
    home: Path, database_url: str, redis_url: str
) -> None:
    with open_shop(home, {"DATABASE_URL": database_url, "REDIS_URL": redis_url}) as run:
        assert run.ask("POST", "/data", PRODUCT)[0] == 201
        assert run.ask("GET", "/product/1") == (200, PRODUCT)
        assert {process.name() for process in run.family()}.isdisjoint({"postgres", "redis-server"})
    assert not list((home / "data").glob("postgres*"))
    assert "ready on port" in run.output()
    assert "PostgreSQL" not in run.output()
    assert "Redis" not in run.output()


def test_a_migration_that_fails_is_shown_with_its_log(home: Path) -> None:
    nowhere = f"postgresql://shop:a-secret@{LOOPBACK}:{free_port()}/shop"
    with started(home, {"DATABASE_URL": nowhere, "REDIS_URL": "redis://localhost:1"}) as run:
        assert run.status() == 1
    assert "The migration failed (exit status 1)." in run.output()
    assert "cannot be reached" in run.output()
    assert "Traceback" not in run.output()
    assert "a-secret" not in run.output()


def test_an_app_that_does_not_start_is_shown_and_the_rest_ended(used_home: Path) -> None:
    with started(used_home, {"THREADS": "some"}) as run:
        assert run.status() == 1
    assert "THREADS" in run.output()
    assert "App ended while it was starting (exit status 2)." in run.output()
    assert "Traceback" not in run.output()
    assert not processes_of(used_home)


def test_keys_of_the_environment_close_the_writes_and_the_curl_line_says_so(used_home: Path) -> None:
    with open_shop(used_home, {"API_KEYS": "a-key"}) as run:
        assert run.ask("POST", "/data", PRODUCT)[0] == 403
    assert "-H 'x-api-key: YOUR_KEY'" in curl_lines(run)[0]
    assert "a-key" not in run.output()


def processes_of(home: Path) -> list[psutil.Process]:
    """Return every process that has a file of that folder in its command line."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(home) in word for word in process.info["cmdline"] or ())
    ]
