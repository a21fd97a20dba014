"""`make bench`: compare the service with its servers alone, and with other implementations.

All that is compared is measured in one run, in turns; the figures are medians of several rounds. Ratios come first:
figures of two runs or two machines cannot be compared. Traffic stays on loopback.
"""

import argparse
import os
import platform
import sys
import time
from pathlib import Path

from tests.fixtures.servers import ROOT
from tests.load import experiments, report, sockets
from tests.load.stocked import Stock, stocked

PICTURE = ROOT / "build" / "benchmark.svg"
EXPERIMENTS = ("compare", "steady", "memory", "start", "threads", "processes", "sockets")


def progress(what: str) -> None:
    """Print the progress to standard error."""
    print(f"{time.strftime('%H:%M:%S')} {what} ...", file=sys.stderr, flush=True)


def run(name: str, stock: Stock, pace: experiments.Pace, beside: Path | None) -> str:
    if name == "compare":
        found = experiments.compare(stock, pace, progress)
        PICTURE.parent.mkdir(exist_ok=True)
        report.draw(found, PICTURE)
        return f"{report.comparison(found)}\nDrawn in {PICTURE.relative_to(ROOT)}\n"
    if name == "steady":
        return report.steadiness(experiments.steady(stock, pace, progress))
    if name == "memory":
        return report.memories(experiments.memory(stock, pace, progress))
    if name == "start":
        return report.starts(experiments.start(stock, pace, progress, beside))
    if name == "threads":
        return report.thread_counts(experiments.threads(stock, pace, progress))
    if name == "sockets":
        return sockets.report(sockets.sockets(pace, progress))
    return report.pairs(experiments.processes(stock, pace, progress))


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "experiments", nargs="*", metavar="EXPERIMENT", help=f"of {', '.join(EXPERIMENTS)}; default: all"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    parser.add_argument("--requests", type=int, default=100_000, help="over which memory must not grow")
    parser.add_argument(
        "--beside", type=Path, help="another checkout, whose start is measured in turns with this one's"
    )
    given = parser.parse_args()
    if unknown := set(given.experiments) - set(EXPERIMENTS):
        parser.error(f"no such experiment: {', '.join(sorted(unknown))}")
    pace = experiments.Pace(given.rounds, given.seconds, given.requests)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"Python {platform.python_version()}, {cores} cores, medians of {pace.rounds} rounds of {pace.seconds:g} s\n")
    with stocked() as stock:
        for name in given.experiments or EXPERIMENTS:
            print(f"## {name}\n\n{run(name, stock, pace, given.beside)}", flush=True)


if __name__ == "__main__":
    main()
