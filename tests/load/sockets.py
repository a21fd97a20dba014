"""The experiment with WebSockets: what an echo costs, and what a connection that says nothing holds."""

import asyncio
import contextlib
import statistics
import sys
import time
from dataclasses import dataclass
from itertools import pairwise

from websockets.asyncio.client import ClientConnection, connect

from fargate.start.descriptors import raise_descriptor_limit
from tests.fixtures.servers import ROOT
from tests.load.clients import CONNECTIONS
from tests.load.contenders import Contender, Running, running
from tests.load.experiments import Figures, Pace, Progress, median
from tests.load.report import table

IDLE = 2000
"""Connections that say nothing."""
MESSAGE = '{"action": "say", "text": "good morning"}'
LIBRARY = Contender("websockets", (sys.executable, "-m", "tests.load.rivals.echo", "PORT"))
CONTENDERS = (
    Contender(
        "uvicorn",
        (sys.executable, "-m", "fargate"),
        {"SERVER": "uvicorn", "PYTHONPATH": str(ROOT)},
        ROOT / "tests" / "apps" / "projects" / "echo",
        probe="/livez",
    ),
    LIBRARY,
    Contender(
        "ASGI, uvicorn with websockets",
        (
            *(sys.executable, "-m", "uvicorn", "--ws", "websockets", "--ws-per-message-deflate", "false"),
            *("--log-level", "error", "--lifespan", "off", "--port", "PORT", "tests.load.rivals.echo:app"),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class SocketFigures:
    """One contender."""

    echo: Figures
    idle_bytes: float  # of memory for each connection


def sockets(pace: Pace, progress: Progress) -> dict[str, SocketFigures]:
    """Measure all contenders in turns."""
    raise_descriptor_limit()
    found: dict[str, SocketFigures] = {}
    rounds: dict[str, list[Figures]] = {each.name: [] for each in CONTENDERS}
    with contextlib.ExitStack() as stack:
        contenders = [stack.enter_context(running(each, {})) for each in CONTENDERS]
        for number in range(-1, pace.rounds):  # the first only warms
            progress(f"WebSockets, round {number + 1} of {pace.rounds}")
            for each in contenders:
                figures = asyncio.run(_echo(each, pace.seconds if number >= 0 else 1))
                if number >= 0:
                    rounds[each.contender.name].append(figures)
        for each in contenders:
            progress(f"{IDLE:,} idle WebSockets: {each.contender.name}")
            name = each.contender.name
            found[name] = SocketFigures(median(rounds[name]), asyncio.run(_idle(each)) / IDLE)
    return found


def report(found: dict[str, SocketFigures]) -> str:
    """Return the figures as a table, ratios first."""
    heads = ("", "CPU to websockets", "CPU us", "echoes/s", "p50 ms", "p99 ms", "KiB a connection")
    least = found[LIBRARY.name].echo.cpu_us
    return table(heads, [(name, *_row(each, least)) for name, each in found.items()])


def _row(found: SocketFigures, least: float) -> tuple[str, ...]:
    echo = found.echo
    times = f"{echo.p50:.1f}", f"{echo.p99:.1f}"
    return f"x{echo.cpu_us / least:.2f}", f"{echo.cpu_us:.0f}", f"{echo.per_second:,.0f}", *times, _kibibytes(found)


def _kibibytes(found: SocketFigures) -> str:
    return f"{found.idle_bytes / 1024:.1f}"


async def _open(contender: Running) -> ClientConnection:
    return await connect(contender.url.replace("http", "ws", 1), compression=None, ping_interval=None, open_timeout=60)


async def _echo(contender: Running, seconds: float) -> Figures:
    """Send over some connections, to each as soon as it has answered."""
    connections = [await _open(contender) for _ in range(CONNECTIONS)]
    before, end = contender.cpu_seconds(), time.perf_counter() + seconds
    times = [took for each in await asyncio.gather(*(_talk(one, end) for one in connections)) for took in each]
    spent = contender.cpu_seconds() - before
    await asyncio.gather(*(each.close() for each in connections))
    cuts = statistics.quantiles(times, n=100)
    return Figures(len(times) / seconds, spent / len(times) * 1e6, cuts[49] * 1e3, cuts[98] * 1e3)


async def _talk(connection: ClientConnection, end: float) -> list[float]:
    """Return the seconds that each echo took."""
    moments = [time.perf_counter()]
    while moments[-1] < end:
        await connection.send(MESSAGE)
        assert await connection.recv() == MESSAGE
        moments.append(time.perf_counter())
    return [late - early for early, late in pairwise(moments)]


async def _idle(contender: Running) -> int:
    """Return the memory that many connections take."""
    before = contender.resident_bytes()
    connections = [await _open(contender) for _ in range(IDLE)]
    held = contender.resident_bytes() - before
    await asyncio.gather(*(each.close() for each in connections))
    return held
