"""Add a call to moto's classes, or wrap one."""

from collections.abc import Callable
from functools import wraps
from typing import Any

Call = Callable[..., Any]


def adds(owner: type) -> Callable[[Call], Call]:
    """Add the decorated function to `owner` as a method; `owner` must not have one of that name."""

    def decorate(function: Call) -> Call:
        assert not hasattr(owner, function.__name__), f"moto has {owner.__name__}.{function.__name__} now: drop ours"
        setattr(owner, function.__name__, function)
        return function

    return decorate


def around(owner: type, *names: str) -> Callable[[Call], Call]:
    """Replace each named method by the decorated function, which gets the original and then the arguments."""

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
