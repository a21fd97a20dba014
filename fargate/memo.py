"""What a short text leads to is remembered, where the same few texts come with every request.

Clients choose some of those texts and must not fill the memory with them: what is kept is bounded in number and length.
"""

from collections.abc import Callable
from typing import TypeVar

LONGEST = 256
MOST = 1024

Text = TypeVar("Text", str, bytes)
Outcome = TypeVar("Outcome")


class Memo(dict[Text, Outcome]):
    """A function's outcomes by text; `memo[text]` asks the function where the text is not known. Thread-safe.

    A dictionary, since a look into one costs a tenth of a call; once it is full, it begins anew.
    """

    def __init__(self, function: Callable[[Text], Outcome]) -> None:
        super().__init__()
        self._function: Callable[[Text], Outcome] = function

    def __missing__(self, text: Text) -> Outcome:
        """Ask the function, and remember."""
        outcome = self._function(text)
        if len(text) <= LONGEST:
            if len(self) >= MOST:
                self.clear()
            self[text] = outcome
        return outcome


def remembered(function: Callable[[Text], Outcome]) -> Callable[[Text], Outcome]:
    """Have a function of one text remember its outcomes, of nothing else."""
    return Memo(function).__getitem__
