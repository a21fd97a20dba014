"""A read that starts after a write was acknowledged never returns an older value.

Real tasks, real stores, and faults; `CONSISTENCY_SEED=123` repeats the faults of an earlier run. The same checker must
find the errors of broken caches.
"""

import os
import random
import time

import pytest

from tests.consistency.conftest import Trials
from tests.consistency.faults.nemesis import (
    EVICTIONS,
    HELD_ANSWERS,
    LOST_HOT_SETS,
    MIXED,
    RESTARTS,
    RESTORED_SNAPSHOTS,
    SLOW_NETWORK,
    Lane,
)
from tests.consistency.judge.history import Status
from tests.consistency.world import EVERY_SERVER

SECONDS = 10.0
"""A restart and a fault of a store come at least once: their lanes begin within 8 s."""
USUAL_SEED = 4
SEED = os.environ.get("CONSISTENCY_SEED")
SEEDS = [int(SEED)] if SEED else [USUAL_SEED, random.SystemRandom().randrange(1_000_000)]

DEPLOYMENT_SECONDS = 8.0

CONTROL_SECONDS = 90.0
ROUND_SECONDS = 1.5

LEASES = (50,)
CHANGING_LEASES = (20, 250, 0, 100)


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"CONSISTENCY_SEED={seed}")
def test_no_read_is_older_than_a_write_acknowledged_before_it_and_at_the_end_all_agree(
    trials: Trials, seed: int
) -> None:
    with trials(MIXED, servers=EVERY_SERVER) as trial:
        report = trial.round(seed, SECONDS)
    assert report.good, str(report)
    assert report.reads > 1000, str(report)
    assert report.writes[Status.ACKNOWLEDGED] > 20, str(report)


def test_a_deployment_that_changes_the_length_of_local_leases_keeps_the_promise(trials: Trials) -> None:
    with trials([EVICTIONS, RESTARTS], leases=CHANGING_LEASES) as trial:
        report = trial.round(USUAL_SEED, DEPLOYMENT_SECONDS)
    assert report.good, str(report)


CONTROLS: dict[str, tuple[list[Lane], tuple[int, ...]]] = {
    "commit_then_delete": ([SLOW_NETWORK], LEASES),
    "single_flight": ([HELD_ANSWERS], LEASES),
    "no_wait": ([], LEASES),
    "no_second_wait": ([EVICTIONS], LEASES),
    "no_announcement": ([], LEASES),
    "leave_other_fence": ([SLOW_NETWORK], LEASES),
    "ignore_lost_hot_set": ([LOST_HOT_SETS], LEASES),
    "fill_anyway": ([SLOW_NETWORK, EVICTIONS], LEASES),
    "publish_anyway": ([SLOW_NETWORK, EVICTIONS], LEASES),
    "ignore_generation": ([RESTORED_SNAPSHOTS], LEASES),
    "joined_lookups": ([SLOW_NETWORK], (0,)),
}
"""Each broken cache (`tests.consistency.controls`), and the faults that reveal it soon."""


@pytest.mark.parametrize("control", CONTROLS)
def test_a_broken_cache_is_caught(trials: Trials, control: str) -> None:
    lanes, leases = CONTROLS[control]
    with trials(lanes, app="tests.consistency.controls:app", leases=leases, CONTROL=control) as trial:
        deadline = time.monotonic() + CONTROL_SECONDS
        seed = USUAL_SEED
        while not trial.report.stale and time.monotonic() < deadline:
            trial.round(seed, ROUND_SECONDS, peace=0)
            seed += 1
    assert trial.report.stale, f"{control} was not caught within {CONTROL_SECONDS:.0f} s:\n{trial.report}"
