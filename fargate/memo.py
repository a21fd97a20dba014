"""What a short text leads to is remembered, where the same few texts come with every request.

Clients choose some of those texts and must not fill the memory with them: what is kept is bounded in number and length.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

LONGEST = 256
MOST = 1024

Text = TypeVar("Text", str, bytes)
More = ParamSpec("More")
Outcome = TypeVar("Outcome")


def remembered(function: Callable[Concatenate[Text, More], Outcome]) -> Callable[Concatenate[Text, More], Outcome]:
    """Have a function remember its outcomes: one of a text, of more that can be hashed, and of nothing else."""
    known = cast("Callable[Concatenate[Text, More], Outcome]", lru_cache(maxsize=MOST)(function))

    @wraps(function)
    def of(text: Text, /, *more: More.args, **named: More.kwargs) -> Outcome:
        return known(text, *more, **named) if len(text) <= LONGEST else function(text, *more, **named)

    return of
