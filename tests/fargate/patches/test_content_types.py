"""Cached results of content type matching are those of Chalice."""

from typing import Any

import pytest
from chalice import app as chalice_app
from hypothesis import given
from hypothesis import strategies as st

from fargate.http.bounded_cache import MAX_LENGTH
from fargate.patches.content_types import remember_content_types

remember_content_types()
cached: Any = vars(chalice_app)["_matches_content_type"]
TYPES = [
    "application/json",
    "text/html; charset=utf-8",
    "*/*",
    "image/png",
    "text/html, image/*;q=0.8",
    "",
    "IMAGE/PNG",
]


@given(st.sampled_from(TYPES) | st.text(max_size=20), st.lists(st.sampled_from(TYPES), max_size=4))
def test_the_result_is_chalices_the_first_time_and_the_second(content_type: str, valid: list[str]) -> None:
    theirs = cached.__wrapped__(content_type, valid)
    assert [cached(content_type, valid), cached(content_type, valid)] == [theirs, theirs]


def test_patching_twice_changes_nothing() -> None:
    remember_content_types()
    assert vars(chalice_app)["_matches_content_type"] is cached


@pytest.mark.parametrize("strange", [["application/json"], None, 3])
def test_a_content_type_that_is_no_text_fails_as_in_chalice(strange: object) -> None:
    with pytest.raises(AttributeError):
        cached(strange, ["application/json"])


def test_a_long_content_type_is_not_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(chalice_app, "_content_type_header_contains", lambda header, _: bool(asked.append(header)))
    for length in (MAX_LENGTH, MAX_LENGTH + 1):
        for _ in range(2):
            assert not cached("x" * length, ["image/png"])
    assert list(map(len, asked)) == [MAX_LENGTH, MAX_LENGTH + 1, MAX_LENGTH + 1]
