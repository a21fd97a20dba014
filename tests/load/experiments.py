"""The experiments. Each is measured in one run; compare its figures only with each other."""

import contextlib
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.load.clients import CONNECTIONS, Run, hey, wrk
from tests.load.contenders import RIVALS, SERVERS, Contender, Running, floor, preforked, running, shop
from tests.load.stocked import Stock
from tests.load.workloads import HOT, MISSES, WORKLOADS, ZIPF, Workload

Progress = Callable[[str], None]

STEADY = 500
"""Requests a second."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One contender under one workload; times in milliseconds, CPU in microseconds."""

    per_second: float
    cpu_us: float  # of the server's processes, for each request
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Pace:
    """The length of the experiments."""

    rounds: int
    seconds: int  # wrk takes whole ones
    requests: int  # after which the growth of memory is measured


def measured(contender: Running, stock: Stock, workload: Workload, seconds: float) -> Figures:
    """Measure one contender."""
    if workload.cold:
        stock.chill()
    else:
        stock.warm()
    before = contender.cpu_seconds()
    run = wrk(contender.url, workload.script(stock.first_for(workload)), seconds)
    spent = contender.cpu_seconds() - before
    stock.spend(workload, run.requests + 100)
    return Figures(run.requests / run.seconds, spent / run.requests * 1e6, run.p50, run.p99)


def median(rounds: Sequence[Figures]) -> Figures:
    """Return the median of each figure."""
    return Figures(
        *(statistics.median(getattr(each, name) for each in rounds) for name in ("per_second", "cpu_us", "p50", "p99"))
    )


Table = dict[tuple[str, str], Figures]
"""Figures by contender and workload."""


def compare(stock: Stock, pace: Pace, progress: Progress) -> Table:
    """Measure the shop, its servers alone and the rivals in turns."""
    trials: list[tuple[Contender, Sequence[Workload]]] = []
    for server in SERVERS:
        trials += [(floor(server), (HOT,)), (shop(server), WORKLOADS)]
    trials += [(rival, WORKLOADS) for rival in RIVALS]
    found: dict[tuple[str, str], list[Figures]] = {}
    with all_running([contender for contender, _ in trials], stock) as contenders:
        for contender in contenders:
            measured(contender, stock, HOT, 1)  # warm
        for number in range(pace.rounds):
            for contender, (_, workloads) in zip(contenders, trials, strict=True):
                progress(f"round {number + 1} of {pace.rounds}: {contender.contender.name}")
                for workload in workloads:
                    key = (contender.contender.name, workload.name)
                    found.setdefault(key, []).append(measured(contender, stock, workload, pace.seconds))
    return {key: median(rounds) for key, rounds in found.items()}


@contextlib.contextmanager
def all_running(contenders: Iterable[Contender], stock: Stock) -> Iterator[list[Running]]:
    """Run several at the same time; an idle one costs almost nothing."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(running(each, stock.environ)) for each in contenders]


def steady(stock: Stock, pace: Pace, progress: Progress) -> dict[str, Run]:
    """Request one product from each server, 500 times a second."""
    found: dict[str, Run] = {}
    for server in SERVERS:
        progress(f"{STEADY} requests a second: {server}")
        with running(shop(server), stock.environ) as contender:
            wrk(contender.url, HOT.script(0), 1)  # warm
            runs = [hey(f"{contender.url}/product/1", STEADY, int(pace.seconds * 2)) for _ in range(pace.rounds)]
            found[server] = sorted(runs, key=lambda run: run.p99)[len(runs) // 2]
    return found


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes held."""

    at_first: int
    warm: int
    at_last: int


def memory(stock: Stock, pace: Pace, progress: Progress) -> dict[str, Memory]:
    """Measure each server's memory before and after many requests."""
    found: dict[str, Memory] = {}
    for server in SERVERS:
        progress(f"memory over {pace.requests:,} requests: {server}")
        with running(shop(server), stock.environ) as contender:
            at_first = contender.resident_bytes()
            wrk(contender.url, ZIPF.script(1), 2)
            warm, left = contender.resident_bytes(), pace.requests
            while left > 0:
                left -= wrk(contender.url, ZIPF.script(1), 2).requests
            found[server] = Memory(at_first, warm, contender.resident_bytes())
    return found


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds until the first product is answered."""

    wall: float
    cpu: float  # of the server's processes


def start(stock: Stock, pace: Pace, progress: Progress, beside: Path | None = None) -> dict[str, Start]:
    """Start the shop on each server, that of another checkout, and the rivals, in turns."""
    contenders = [shop(server) for server in SERVERS]
    if beside is not None:
        contenders += [each.of(beside) for each in contenders]
    contenders += [rival for rival in RIVALS if rival.folder.exists()]
    found: dict[str, list[Start]] = {each.name: [] for each in contenders}
    for number in range(-1, pace.rounds):  # the first round only loads files and writes bytecode
        progress(f"start, round {number + 1} of {pace.rounds}")
        for contender in contenders:
            with running(contender, stock.environ) as one:
                took = Start(one.seconds_to_answer, one.cpu_seconds())
            if number >= 0:
                found[contender.name].append(took)
    return {
        name: Start(statistics.median(each.wall for each in took), statistics.median(each.cpu for each in took))
        for name, took in found.items()
    }


def threads(stock: Stock, pace: Pace, progress: Progress) -> dict[tuple[str, int], dict[str, Figures]]:
    """Measure with more threads."""
    found: dict[tuple[str, int], dict[str, Figures]] = {}
    for server in SERVERS:
        for number in (1, 2, 4, 8, 16):
            progress(f"{number} threads: {server}")
            contender = shop(server).with_environ(THREADS=str(number))
            with running(contender, stock.environ) as one:
                measured(one, stock, HOT, 1)  # warm
                found[server, number] = {
                    each.name: median([measured(one, stock, each, pace.seconds) for _ in range(min(3, pace.rounds))])
                    for each in (HOT, ZIPF, MISSES)
                }
    return found


@dataclass(frozen=True, slots=True)
class Pair:
    """Two processes under one load, and the larger share: 0.5 is even, 1 is all on one."""

    per_second: float
    p99: float
    larger_part: float


def processes(stock: Stock, pace: Pace, progress: Progress) -> dict[tuple[str, str, str], Pair]:
    """Compare two processes behind one listening socket with two tasks that a load balancer uses in turn."""
    rounds: dict[tuple[str, str, str], list[Pair]] = {}
    for server in SERVERS:
        progress(f"two processes: {server}")
        pair = (shop(server), shop(server))
        with all_running([preforked(server, 1), preforked(server, 2), *pair], stock) as (one, two, *tasks):
            for each in (one, two, *tasks):
                measured(each, stock, HOT, 1)  # warm
            for _ in range(pace.rounds):
                for workload in (HOT, ZIPF):
                    script = workload.script(0)
                    for name, contenders in (("one", [one]), ("shared socket", [two]), ("two tasks", tasks)):
                        pair_of_runs = _together(contenders, script, pace.seconds)
                        rounds.setdefault((server, workload.name, name), []).append(pair_of_runs)
    return {key: _median_pair(pairs) for key, pairs in rounds.items()}


def _together(contenders: Sequence[Running], script: str, seconds: float) -> Pair:
    """Measure contenders at the same time, over as many connections together as one gets alone."""
    before = [cpu for each in contenders for cpu in each.cpu_by_process()]
    connections = CONNECTIONS // len(contenders)
    with ThreadPoolExecutor(len(contenders)) as pool:
        runs = list(pool.map(lambda each: wrk(each.url, script, seconds, connections), contenders))
    after = [cpu for each in contenders for cpu in each.cpu_by_process()]
    spent = sorted(late - early for early, late in zip(before, after, strict=True))
    return Pair(sum(run.requests / run.seconds for run in runs), max(run.p99 for run in runs), spent[-1] / sum(spent))


def _median_pair(pairs: Sequence[Pair]) -> Pair:
    """Return the medians, and the largest share."""
    return Pair(
        statistics.median(each.per_second for each in pairs),
        statistics.median(each.p99 for each in pairs),
        max(each.larger_part for each in pairs),
    )
