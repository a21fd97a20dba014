"""`make soak`: run the checker for ten minutes, and until it has judged a million reads.

Ends with status 1 if any promise was broken. `--seed` repeats the faults of an earlier run.
"""

import argparse
import itertools
import random
import sys
import time

from chalicelib.database.migrate import migrate
from tests.consistency.clients.workload import Recorder
from tests.consistency.faults.nemesis import MIXED
from tests.consistency.judge.history import Status
from tests.consistency.trial import Report, Trial
from tests.consistency.world import EVERY_SERVER, FASTEST, PRODUCTS, running_world
from tests.fixtures.stores import running_postgres, running_redis

ROUND_SECONDS = 10.0


def main() -> int:
    """Run it; return the exit status."""
    given = _parser().parse_args()
    print(f"--seed {given.seed}, {given.seconds:.0f} s and {given.reads} reads", flush=True)
    report = soak(given.seed, given.seconds, given.reads, servers=EVERY_SERVER if given.every_server else FASTEST)
    print(report)
    print("good" if report.good else f"NOT GOOD; again with --seed {given.seed}")
    return 0 if report.good else 1


def soak(seed: int, seconds: float, reads: int, servers: tuple[str, ...]) -> Report:
    """Run rounds until the time is up and enough reads were judged, or a promise was broken."""
    recorder, began = Recorder(), time.monotonic()
    initial = {product: next(recorder.values) for product in PRODUCTS}
    with running_postgres() as postgres, running_redis() as redis_server:
        migrate(postgres.address.url)
        with running_world(postgres.address.url, redis_server, initial, servers=servers) as world:
            trial = Trial(world, recorder, MIXED)
            for number in itertools.count():
                report = trial.round(seed + number, ROUND_SECONDS)
                passed = time.monotonic() - began
                print(f"{passed:5.0f} s, {_progress(report)}, {report.reads / passed:.0f} reads/s", flush=True)
                if not report.good or (passed >= seconds and report.reads >= reads):
                    return report
    raise AssertionError("unreachable")


def _progress(report: Report) -> str:
    acknowledged, others = (
        report.writes[Status.ACKNOWLEDGED],
        report.writes[Status.UNKNOWN] + report.writes[Status.REFUSED],
    )
    return (
        f"{report.reads} reads, {acknowledged} writes acknowledged, {others} not;"
        f" {len(report.stale)} stale, {len(report.diverged)} diverged, {len(report.abandoned)} abandoned"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.consistency.soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--seconds", type=float, default=600.0, help="at least; default: 600")
    parser.add_argument("--reads", type=int, default=1_000_000, help="at least; default: a million")
    parser.add_argument("--every-server", action="store_true", help="a task on each server, not all on the fastest")
    return parser


if __name__ == "__main__":
    sys.exit(main())
