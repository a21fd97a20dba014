"""Header names have one spelling, and only short names are cached."""

import pytest

from fargate.http.bounded_cache import MAX_LENGTH
from fargate.http.messages import canonical, canonical_of_bytes, lowered_bytes


@pytest.mark.parametrize("name", ["x-api-key", "X-API-KEY", "X-Api-Key"])
def test_a_name_has_one_spelling_as_text_and_as_bytes(name: str) -> None:
    assert canonical(name) == canonical_of_bytes(name.encode()) == "X-Api-Key"
    assert lowered_bytes(name) == b"x-api-key"


def test_a_short_name_is_cached_and_a_long_one_is_not() -> None:
    short, long = "x" * MAX_LENGTH, "x" * (MAX_LENGTH + 1)
    assert canonical(short) is canonical(short)
    assert canonical(long) is not canonical(long)
    assert lowered_bytes(long) is not lowered_bytes(long)
