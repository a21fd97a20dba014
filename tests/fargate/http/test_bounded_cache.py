"""Results for short texts are cached, within bounds that clients cannot exceed."""

from fargate.http.bounded_cache import MAX_ENTRIES, MAX_LENGTH, MISSES_BEFORE_CLEAR, BoundedCache


class Recorded:
    """A function that records its arguments."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> str:
        self.texts.append(text)
        return text.upper()


def test_the_function_is_called_once_for_a_text() -> None:
    function = Recorded()
    cache = BoundedCache(function)
    assert [cache["a"], cache["a"]] == ["A", "A"]
    assert function.texts == ["a"]


def test_a_long_text_is_not_cached() -> None:
    cache = BoundedCache(Recorded())
    assert cache["x" * (MAX_LENGTH + 1)] == "X" * (MAX_LENGTH + 1)
    assert len(cache) == 0


def test_a_full_cache_keeps_its_entries_and_takes_no_new_ones() -> None:
    function = Recorded()
    cache = BoundedCache(function)
    for number in range(2 * MAX_ENTRIES):
        assert cache[f"n{number}"] == f"N{number}"
    function.texts.clear()
    assert (cache["n0"], cache[f"n{2 * MAX_ENTRIES - 1}"]) == ("N0", f"N{2 * MAX_ENTRIES - 1}")
    assert function.texts == [f"n{2 * MAX_ENTRIES - 1}"]
    assert len(cache) == MAX_ENTRIES


def test_after_many_misses_a_full_cache_is_cleared() -> None:
    cache = BoundedCache(Recorded())
    for number in range(MAX_ENTRIES + MISSES_BEFORE_CLEAR):
        assert cache[f"n{number}"]
    assert len(cache) == 0
    assert cache["new"] == "NEW"
    assert list(cache) == ["new"]
