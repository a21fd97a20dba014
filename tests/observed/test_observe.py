"""`make observe`: one command runs the shop and a Prometheus, and leaves no process."""

import contextlib
import re
import signal
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from local.ports import LOOPBACK, free_port
from local.waiting import wait_until
from tests.fixtures.stores import survivors, temporary_home
from tests.local.runs import Run, started

pytestmark = pytest.mark.usefixtures("prometheus_program")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with temporary_home() as home:
        yield home


@contextlib.contextmanager
def observed(home: Path, environ: Mapping[str, str] | None = None) -> Iterator[Run]:
    """Start both; the block may begin before they are ready."""
    with started(home, {"PROMETHEUS_PORT": str(free_port()), **(environ or {})}, "local.observe") as run:
        yield run


def places(run: Run) -> list[str]:
    """Wait for both, and return the addresses that are printed last."""
    run.wait_for("Ctrl-C ends it and the shop")
    return re.findall(r"^  (http://\S+)", run.output().partition("Prometheus watches the shop")[2], re.MULTILINE)


def test_every_address_that_is_printed_answers_and_ctrl_c_ends_everything(home: Path) -> None:
    with observed(home) as run:
        console, alerts, graph, metrics = places(run)
        for address in (console, alerts, graph, metrics):
            assert httpx.get(address, follow_redirects=True, timeout=10).status_code == 200, address
        assert metrics == f"http://localhost:{run.port}/metrics"
        prometheus = console.partition("/consoles")[0]

        def scraped() -> bool:
            found = httpx.get(f"{prometheus}/api/v1/query", params={"query": 'up{job="shop"} == 1'}, timeout=10).json()
            return bool(found["data"]["result"])

        assert wait_until(scraped, 30)
        family = run.family()
        run.child.signal(signal.SIGINT)
        assert run.status() == 0
    assert not survivors(family, 0)
    assert "Traceback" not in run.output()


def test_a_killed_run_leaves_no_orphans(home: Path) -> None:
    with observed(home) as run:
        places(run)
        family = run.family()
        run.child.process.send_signal(signal.SIGKILL)
        assert run.status() == -signal.SIGKILL
    assert not survivors(family, 60)


def test_when_either_dies_it_says_which_and_ends_the_other(home: Path) -> None:
    with observed(home) as run:
        places(run)
        family = run.family()
        run.process("prometheus.yml").kill()
        assert run.status() == 1
    assert not survivors(family, 10)
    assert "Prometheus ended by itself (SIGKILL)." in run.output()
    assert "Traceback" not in run.output()


def test_a_second_run_is_refused_and_does_the_first_no_harm(home: Path) -> None:
    with observed(home) as first:
        console = places(first)[0]
        with observed(home, {"PORT": str(first.port)}) as second:
            assert second.status() == 1
        assert "Already running from this checkout" in second.output()
        assert httpx.get(console, timeout=10).status_code == 200
        assert first.child.running


def test_without_a_prometheus_it_says_what_to_do_and_starts_nothing(home: Path, tmp_path: Path) -> None:
    with observed(home, {"PATH": str(tmp_path)}) as run:
        assert run.status() == 1
    assert run.output().startswith("prometheus is missing: make observe-tools installs Debian's package;")
    assert "PostgreSQL" not in run.output()


def test_a_prometheus_port_that_is_taken_is_said_in_one_sentence(home: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with observed(home, {"PROMETHEUS_PORT": str(port)}) as run:
            assert run.status() == 1
    assert f"Port {port} is taken: choose another one: PROMETHEUS_PORT={port + 1}\n" in run.output()
    assert "PostgreSQL ..." not in run.output(), "it is said before anything is started"


def test_a_shop_that_does_not_start_ends_it(home: Path) -> None:
    with observed(home, {"THREADS": "some"}) as run:
        assert run.status() == 1
    assert "THREADS" in run.output()
    assert "The shop ended while it was starting (exit status 1)." in run.output()
    assert "Traceback" not in run.output()
