"""Headers' names are spelled in one way, and only short spellings are kept."""

import pytest

from fargate.http.bounded_cache import LONGEST
from fargate.http.messages import canonical, canonical_of_bytes, lowered_bytes


@pytest.mark.parametrize("name", ["x-api-key", "X-API-KEY", "X-Api-Key"])
def test_a_name_is_spelled_in_one_way_whatever_door_it_came_through(name: str) -> None:
    assert canonical(name) == canonical_of_bytes(name.encode()) == "X-Api-Key"
    assert lowered_bytes(name) == b"x-api-key"


def test_a_short_name_is_kept_and_a_long_one_is_not() -> None:
    short, long = "x" * LONGEST, "x" * (LONGEST + 1)
    assert canonical(short) is canonical(short)
    assert canonical(long) is not canonical(long)
    assert canonical(long) == long.capitalize()
    assert lowered_bytes(long) is not lowered_bytes(long)
