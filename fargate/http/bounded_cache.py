"""What a short text leads to is remembered, where the same few texts come with every request.

Clients choose some of those texts and must not fill the memory with them: what is kept is bounded in number and length.
"""

from collections.abc import Callable
from typing import TypeVar

LONGEST = 256
MOST = 1024
MISSES_BEFORE_CLEAR = 8 * MOST
"""How many that find no place it takes to begin anew: who comes often has come early, and to make room for each of the
others would cost more than it gains."""

Text = TypeVar("Text", str, bytes)
Outcome = TypeVar("Outcome")


class BoundedCache(dict[Text, Outcome]):
    """A function's outcomes by text; `memo[text]` asks the function where the text is not known. Thread-safe.

    A dictionary, since a look into one costs a tenth of a call.
    """

    def __init__(self, function: Callable[[Text], Outcome]) -> None:
        super().__init__()
        self._function: Callable[[Text], Outcome] = function
        self._strangers = 0

    def __missing__(self, text: Text) -> Outcome:
        """Ask the function, and remember where there is room."""
        outcome = self._function(text)
        if len(self) >= MOST:
            self._turn_away()
        elif len(text) <= LONGEST:
            self[text] = outcome
        return outcome

    def _turn_away(self) -> None:
        self._strangers += 1
        if self._strangers >= MISSES_BEFORE_CLEAR:
            self._strangers = 0
            self.clear()


def remembered(function: Callable[[Text], Outcome]) -> Callable[[Text], Outcome]:
    """Have a function of one text remember its outcomes, of nothing else."""
    return BoundedCache(function).__getitem__
