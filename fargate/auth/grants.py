"""What a built-in authorizer answered about a token, and for how long it holds.

A grant is a snapshot: neither the authorizer nor a view can change one that is kept.
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock

from fargate.auth.policy import Policy, read_policy

DEFAULT_TTL_SECONDS = 300
MAX_TTL_SECONDS = 3600
MAX_GRANTS = 4096


@dataclass(frozen=True, slots=True)
class Grant:
    """Who the token stands for, what they may call, and what the view is told of them."""

    policy: Policy
    context: Mapping[str, str | None]  # principalId is among it


def read_grant(answer: object) -> Grant:
    """Read `{"principalId", "policyDocument", "context"}` as it looks once Lambda has written it as JSON.

    Raises:
        ValueError: the answer is not of that form.
    """
    try:
        document = json.loads(json.dumps(answer, allow_nan=False))
    except (TypeError, RecursionError) as error:
        raise ValueError(f"it cannot be written as JSON: {error}") from None
    if not isinstance(document, dict):
        raise ValueError("it is not an object")
    if document.get("principalId") is None:
        raise ValueError("there is no principalId")
    context = {**_mapping(document.get("context")), "principalId": document["principalId"]}
    return Grant(read_policy(document.get("policyDocument")), {name: _text(value) for name, value in context.items()})


def _mapping(context: object) -> dict[str, object]:
    if context is None:
        return {}
    if not isinstance(context, dict):
        raise ValueError("context is not an object")
    return context


def _text(value: object) -> str | None:
    """Write a value of the context as API Gateway hands it on: everything as text, but null stays null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise ValueError("context holds a list or an object")


class GrantCache:
    """The grants of one authorizer, by token, for its time to live. Thread-safe, bounded; the longest unused go first.

    Args:
        ttl_seconds: None means API Gateway's default of 300; 0 keeps nothing; more than 3600 counts as 3600.
        clock: seconds on a clock that never goes back.
        size: how many grants are kept.
    """

    def __init__(self, ttl_seconds: int | None, clock: Callable[[], float], size: int = MAX_GRANTS) -> None:
        self._ttl = min(DEFAULT_TTL_SECONDS if ttl_seconds is None else ttl_seconds, MAX_TTL_SECONDS)
        self._clock = clock
        self._size = size
        self._lock = Lock()
        self._grants: OrderedDict[bytes, tuple[Grant, float]] = OrderedDict()

    def get(self, token: str) -> Grant | None:
        """Return the grant of a token, if it still holds."""
        key = _digest(token)
        with self._lock:
            grant, expires = self._grants.get(key, (None, 0.0))
            if grant is not None and self._clock() < expires:
                self._grants.move_to_end(key)
                return grant
            self._grants.pop(key, None)
            return None

    def put(self, token: str, grant: Grant, asked: float) -> None:
        """Keep a grant; its time counts from `asked`, when the authorizer was called, on the cache's clock."""
        if self._ttl <= 0:
            return
        with self._lock:
            key = _digest(token)
            self._grants[key] = (grant, asked + self._ttl)
            self._grants.move_to_end(key)
            if len(self._grants) > self._size:
                self._grants.popitem(last=False)


def _digest(token: str) -> bytes:
    """Stand in for a token: of one size however long it is, and no secret in memory for an hour."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
