"""The first byte of an entry says what it is; every lease and every fence is unique."""

from chalicelib.cache.entries import ABSENT, is_body, is_lease, new_fence, new_lease


def test_every_entry_is_of_one_kind() -> None:
    kinds = (is_body, is_lease, lambda entry: entry == ABSENT, lambda entry: entry.startswith(b"!"))
    for entry in (b'{"id":1}', ABSENT, new_lease(), new_fence()):
        assert [kind(entry) for kind in kinds].count(True) == 1


def test_no_two_leases_or_fences_are_alike() -> None:
    assert len({new_lease() for _ in range(1000)} | {new_fence() for _ in range(1000)}) == 2000
