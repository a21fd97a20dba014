"""The judge calls every stale read stale, and no other."""

import pytest

from tests.consistency.judge.history import ABSENT, Order, Read, Status, Value, Write, judge, settled

PRODUCT = 7


def write(start: float, end: float, value: Value, status: Status = Status.ACKNOWLEDGED) -> Write:
    return Write(start, end, PRODUCT, value, status)


def read(start: float, end: float, value: Value) -> Read:
    return Read(start, end, PRODUCT, value)


def order(*values: Value) -> Order:
    return {PRODUCT: values}


FIRST, SECOND = write(0, 1, 10), write(2, 3, 20)
UNKNOWN = write(2, 3, 20, Status.UNKNOWN)
DELETION, CREATION = write(2, 3, ABSENT), write(4, 5, 30)


@pytest.mark.parametrize(
    ("seen", "writes", "committed"),
    [
        pytest.param(read(4, 5, 20), [FIRST, SECOND], order(10, 20), id="the newest value"),
        pytest.param(read(2.5, 5, 10), [FIRST, SECOND], order(10, 20), id="an older one, from before the answer"),
        pytest.param(read(3, 5, 10), [FIRST, SECOND], order(10, 20), id="an older one, from the moment of the answer"),
        pytest.param(read(2.1, 2.2, 20), [FIRST, SECOND], order(10, 20), id="a value that is not acknowledged yet"),
        pytest.param(read(4, 5, 10), [FIRST, UNKNOWN], order(10, 20), id="the value before an unknown write"),
        pytest.param(read(4, 5, 20), [FIRST, UNKNOWN], order(10, 20), id="the value of an unknown write"),
        pytest.param(read(4, 5, 10), [write(2, 3, 10), write(2, 3, 20)], order(20, 10), id="overlapping writes"),
        pytest.param(read(4, 5, ABSENT), [FIRST, DELETION], order(10, ABSENT), id="absence after a deletion"),
        pytest.param(read(-1, 0.5, ABSENT), [FIRST], order(10), id="absence before the creation"),
        pytest.param(read(4.1, 6, ABSENT), [FIRST, DELETION, CREATION], order(10, ABSENT, 30), id="not created yet"),
        pytest.param(read(4, 5, 30), [FIRST], order(10, 30), id="a write that has not ended, so is not here"),
        pytest.param(
            read(4, 5, ABSENT),
            [FIRST, write(2, 3, ABSENT, Status.UNKNOWN)],
            order(10, ABSENT),
            id="absence after an unknown deletion",
        ),
        pytest.param(
            read(8, 9, 10),
            [FIRST, write(2, 6, ABSENT), write(3, 7, 10)],
            order(10, ABSENT, 10),
            id="the same value, created again",
        ),
        pytest.param(
            read(4, 5, 20),
            [FIRST, UNKNOWN, write(6, 7, 30), write(8, 9, ABSENT), write(10, 11, 20)],
            order(10, 20, 30, ABSENT, 20),
            id="a value that is created again after the read",
        ),
    ],
)
def test_a_read_that_kept_the_promise_is_not_called_stale(seen: Read, writes: list[Write], committed: Order) -> None:
    verdict = judge([seen], writes, committed)
    assert verdict.good
    assert verdict.reads == 1


@pytest.mark.parametrize(
    ("seen", "missed", "writes", "committed"),
    [
        pytest.param(read(4, 5, 10), SECOND, [FIRST, SECOND], order(10, 20), id="an older value"),
        pytest.param(read(4, 5, ABSENT), SECOND, [FIRST, SECOND], order(10, 20), id="from before all"),
        pytest.param(read(4, 5, 10), DELETION, [FIRST, DELETION], order(10, ABSENT), id="a deleted value"),
        pytest.param(
            read(6, 7, ABSENT),
            CREATION,
            [FIRST, DELETION, CREATION],
            order(10, ABSENT, 30),
            id="absence after creation",
        ),
        pytest.param(
            read(6, 7, 20), CREATION, [FIRST, UNKNOWN, CREATION], order(10, 20, 30), id="an unknown one, overwritten"
        ),
        pytest.param(
            read(4, 5, 20),
            write(2, 3, 10),
            [write(2, 3, 20), write(2, 3, 10)],
            order(20, 10),
            id="the former of overlapping writes, in the database's order",
        ),
        pytest.param(
            read(9, 9.5, ABSENT),
            write(6, 7, 40),
            [FIRST, DELETION, CREATION, write(8, 10, ABSENT), write(6, 7, 40)],
            order(10, ABSENT, 30, 40),
            id="absence, while a deletion is still under way that has not happened",
        ),
    ],
)
def test_a_read_older_than_an_acknowledged_write_is_stale(
    seen: Read, missed: Write, writes: list[Write], committed: Order
) -> None:
    stale = judge([seen], writes, committed).stale
    assert [each.read for each in stale] == [seen]
    assert stale[0].missed == missed
    assert "had been acknowledged" in str(stale[0])


@pytest.mark.parametrize(
    ("seen", "committed"),
    [
        pytest.param(read(4, 5, 99), order(10), id="was never committed"),
        pytest.param(read(4, 5, 20), order(10, 20), id="was sent after the read had ended"),
    ],
)
def test_a_read_of_a_value_that_was_never_written_is_found(seen: Read, committed: Order) -> None:
    verdict = judge([seen], [FIRST, write(6, 7, 20)], committed)
    assert [each.read for each in verdict.stale] == [seen]


def test_a_read_may_have_seen_any_of_several_possible_deletions() -> None:
    writes = [FIRST, DELETION, CREATION, write(6, 7, ABSENT), write(8, 9, 40)]
    committed = order(10, ABSENT, 30, ABSENT, 40)
    reads = [read(5.5, 6.5, ABSENT), read(7.5, 8.5, ABSENT), read(9.5, 10, ABSENT)]
    assert [each.read for each in judge(reads, writes, committed).stale] == reads[2:]


def test_an_acknowledged_deletion_is_identified_by_the_writes_around_it() -> None:
    """Two deletions were committed and one acknowledged: the later one, since it began after the value in between."""
    writes = [FIRST, write(2, 3, ABSENT, Status.UNKNOWN), CREATION, write(6, 7, ABSENT)]
    committed = order(10, ABSENT, 30, ABSENT)
    seen = read(8, 9, 30)
    assert [each.read for each in judge([seen], writes, committed).stale] == [seen]


@pytest.mark.parametrize("write_", [SECOND, DELETION])
def test_an_acknowledged_write_that_the_database_does_not_have_is_lost(write_: Write) -> None:
    assert judge([], [FIRST, write_], order(10)).lost == [write_]


def test_a_refused_write_that_happened_is_reported() -> None:
    refused = write(2, 3, 20, Status.REFUSED)
    assert judge([], [FIRST, refused], order(10, 20)).refused_but_stored == [refused]
    assert judge([], [FIRST, refused], order(10)).good


def test_products_do_not_mix() -> None:
    other = Read(4, 5, PRODUCT + 1, 10)
    verdict = judge([other], [FIRST, SECOND], {PRODUCT: (10, 20), PRODUCT + 1: (10,)})
    assert verdict.good


def test_a_product_is_settled_once_its_newest_value_was_acknowledged() -> None:
    assert settled([FIRST, SECOND], order(10, 20)) == {PRODUCT}
    assert settled([FIRST, UNKNOWN], order(10, 20)) == set()
