"""The cache protocol holds in every interleaving of the model, and without any one of its parts it does not."""

import pytest

from tests.consistency.protocol_model import Control, explore

STATES = 623_410

KEPT_BEFORE_A_WRITE = [
    "writer 0 fences",
    "writer 0 asks the hot set",
    "writer 0 commits",
    "writer 0 publishes",
    "task 0 announces",
    "task 0 keeps version 1",
    "writer 1 fences",
    "writer 1 asks the hot set",
    "writer 1 commits",
    "writer 1 publishes",
    "writer 1 is acknowledged",
    "task 0 answers version 1 from memory",
]

TWO_FENCES = [
    "writer 0 fences",
    "writer 0 asks the hot set",
    "writer 1 fences",
    "writer 1 asks the hot set",
    "writer 1 commits",
    "writer 0 commits",
]

SHORTEST_HISTORIES = {
    Control.NO_WAIT: KEPT_BEFORE_A_WRITE,
    Control.NO_ANNOUNCEMENT: KEPT_BEFORE_A_WRITE,
    Control.IGNORE_LOST_HOT_SET: [*KEPT_BEFORE_A_WRITE[:5], "the hot set is lost", *KEPT_BEFORE_A_WRITE[5:]],
    Control.NO_SECOND_WAIT: [
        *TWO_FENCES,
        "writer 1 publishes",
        "task 0 announces",
        "task 0 keeps version 1",
        "writer 0 deletes",
        "writer 0 asks again",
        "writer 0 is acknowledged",
        "task 0 answers version 1 from memory",
    ],
    Control.FILL_ANYWAY: [
        "task 0 announces",
        "task 0 leases",
        "writer 0 fences",
        "writer 0 asks the hot set",
        "task 0 loads",
        "writer 0 commits",
        "writer 0 publishes",
        "writer 0 is acknowledged",
        "task 0 fills",
        "task 0 announces",
        "task 0 answers version 0 from Redis",
    ],
    Control.PUBLISH_ANYWAY: [
        "writer 0 fences",
        "writer 0 asks the hot set",
        "writer 0 commits",
        "writer 1 fences",
        "writer 1 asks the hot set",
        "writer 1 commits",
        "writer 1 publishes",
        "writer 0 publishes",
        "writer 1 is acknowledged",
        "task 0 announces",
        "task 0 answers version 1 from Redis",
    ],
    Control.LEAVE_OTHER_FENCE: [
        *TWO_FENCES,
        "writer 0 deletes",
        "writer 0 asks again",
        "writer 0 is acknowledged",
        "writer 1 publishes",
        "task 0 announces",
        "task 0 answers version 1 from Redis",
    ],
}


@pytest.mark.timeout(600)
def test_no_interleaving_returns_a_value_older_than_an_acknowledged_write() -> None:
    assert explore() == (STATES, None)


@pytest.mark.parametrize("control", SHORTEST_HISTORIES, ids=lambda control: control.name)
def test_without_one_of_its_parts_it_is_wrong(control: Control) -> None:
    assert explore(control)[1] == SHORTEST_HISTORIES[control]


def test_every_part_is_removed_once() -> None:
    assert set(SHORTEST_HISTORIES) | {Control.NONE} == set(Control)
