"""What short texts lead to is remembered, and nobody can fill the memory with texts of his own."""

from fargate.http.bounded_cache import LONGEST, MISSES_BEFORE_CLEAR, MOST, BoundedCache


class Asked:
    """A function that takes note of what it was asked."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> str:
        self.texts.append(text)
        return text.upper()


def test_a_text_is_asked_for_once() -> None:
    asked = Asked()
    memo = BoundedCache(asked)
    assert [memo["a"], memo["a"]] == ["A", "A"]
    assert asked.texts == ["a"]


def test_a_long_one_is_not_kept() -> None:
    memo = BoundedCache(Asked())
    assert memo["x" * (LONGEST + 1)] == "X" * (LONGEST + 1)
    assert len(memo) == 0


def test_once_it_is_full_strangers_find_no_place_and_those_known_keep_theirs() -> None:
    asked = Asked()
    memo = BoundedCache(asked)
    for number in range(2 * MOST):
        assert memo[f"n{number}"] == f"N{number}"
    asked.texts.clear()
    assert (memo["n0"], memo[f"n{2 * MOST - 1}"]) == ("N0", f"N{2 * MOST - 1}")
    assert asked.texts == [f"n{2 * MOST - 1}"]
    assert len(memo) == MOST


def test_after_many_strangers_it_begins_anew_so_that_it_keeps_up_with_the_times() -> None:
    memo = BoundedCache(Asked())
    for number in range(MOST + MISSES_BEFORE_CLEAR):
        assert memo[f"n{number}"]
    assert len(memo) == 0
    assert memo["new"] == "NEW"
    assert list(memo) == ["new"]
