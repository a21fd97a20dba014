"""The same seed gives the same plan of faults."""

from tests.consistency.faults.nemesis import EVICTIONS, FAULTS, HELD_ANSWERS, MIXED, RESTARTS, SLOW_NETWORK, plan


def test_the_same_seed_plans_the_same_faults_and_another_seed_others() -> None:
    assert plan(MIXED, 1, 60, 3) == plan(MIXED, 1, 60, 3)
    assert plan(MIXED, 1, 60, 3) != plan(MIXED, 2, 60, 3)


def test_a_longer_trial_begins_like_a_shorter_one() -> None:
    for short, long in zip(plan(MIXED, 1, 30, 3), plan(MIXED, 1, 60, 3), strict=True):
        assert long[: len(short)] == short


def test_every_planned_fault_exists_and_one_trial_has_all_of_the_mixed_ones() -> None:
    dealt = {blow.kind for blows in plan(MIXED, 1, 600, 3) for blow in blows}
    assert dealt == {kind for lane in MIXED for kind, _ in lane.kinds} == set(FAULTS)
    assert {kind for lane in (SLOW_NETWORK, HELD_ANSWERS, EVICTIONS, RESTARTS) for kind, _ in lane.kinds} <= set(FAULTS)
