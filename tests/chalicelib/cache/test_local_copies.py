"""Copies in memory are used until their deadline, and are bounded."""

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.cache.local_copies import LocalCopies

BODY = b'{"id":1}'


def test_a_copy_is_used_until_its_deadline_and_not_at_it() -> None:
    now = [0.0]
    copies = LocalCopies(clock=lambda: now[0])
    copies.keep(1, BODY, until=1.0)
    now[0] = 0.999
    assert copies.get(1) == BODY
    now[0] = 1.0
    assert copies.get(1) is None


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 40)), max_size=200))
def test_the_copies_are_bounded_in_number_and_in_bytes(kept: list[tuple[int, int]]) -> None:
    copies = LocalCopies(max_entries=10, max_bytes=100, clock=lambda: 0.0)
    for product_id, size in kept:
        copies.keep(product_id, b"x" * size, until=1.0)
        sizes = [len(each.body) for each in copies._kept.values()]
        assert len(sizes) <= 10
        assert sum(sizes) == copies._bytes <= 100
        assert copies.get(product_id) == b"x" * size


def test_threads_can_share_the_copies() -> None:
    copies = LocalCopies(max_entries=20)

    def work(number: int) -> None:
        for turn in range(2000):
            copies.keep((number * turn) % 50, BODY, until=1e12)
            assert copies.get(turn % 50) in (BODY, None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert sum(len(each.body) for each in copies._kept.values()) == copies._bytes
