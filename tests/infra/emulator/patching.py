"""Adding to moto's classes: a call it has not, or something around one that it has."""

from collections.abc import Callable
from functools import wraps
from typing import Any

Call = Callable[..., Any]


def adds(owner: type) -> Callable[[Call], Call]:
    """Decorate a function that becomes a method of `owner`, which must not have one of that name."""

    def decorate(function: Call) -> Call:
        assert not hasattr(owner, function.__name__), f"moto has {owner.__name__}.{function.__name__} now: drop ours"
        setattr(owner, function.__name__, function)
        return function

    return decorate


def around(owner: type, *names: str) -> Callable[[Call], Call]:
    """Decorate a function that is given the original of each named method first, then what the method is given."""

    def decorate(function: Call) -> Call:
        for name in names:
            setattr(owner, name, _joined(function, getattr(owner, name)))
        return function

    return decorate


def _joined(function: Call, original: Call) -> Call:
    @wraps(original)
    def method(*arguments: Any, **named: Any) -> Any:
        return function(original, *arguments, **named)

    return method
