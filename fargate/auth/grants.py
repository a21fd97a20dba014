"""Read and cache what an authorizer function returns for a token.

A grant is a copy: a view or an authorizer that changes its own dict does not change a cached grant.
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
    """What an authorizer function returned for a token."""

    policy: Policy
    context: Mapping[str, str | None]  # what the view sees, principalId included


def read_grant(result: object) -> Grant:
    """Read `{"principalId", "policyDocument", "context"}` as Lambda does: by way of JSON.

    Raises:
        ValueError: the result has another form.
    """
    try:
        document = json.loads(json.dumps(result, allow_nan=False))
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
    """Write a value of the context as API Gateway does: as text; null stays null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise ValueError("context holds a list or an object")


class GrantCache:
    """An LRU cache of one authorizer's grants by token. Thread-safe.

    Args:
        ttl_seconds: None means API Gateway's default of 300; 0 caches nothing; more than 3600 counts as 3600.
        clock: monotonic seconds.
        size: most grants that are cached.
    """

    def __init__(self, ttl_seconds: int | None, clock: Callable[[], float], size: int = MAX_GRANTS) -> None:
        self._ttl = min(DEFAULT_TTL_SECONDS if ttl_seconds is None else ttl_seconds, MAX_TTL_SECONDS)
        self._clock = clock
        self._size = size
        self._lock = Lock()
        self._grants: OrderedDict[bytes, tuple[Grant, float]] = OrderedDict()

    def get(self, token: str) -> Grant | None:
        """Return the grant of a token, or None if there is none or it has expired."""
        key = _digest(token)
        with self._lock:
            grant, expires = self._grants.get(key, (None, 0.0))
            if grant is not None and self._clock() < expires:
                self._grants.move_to_end(key)
                return grant
            self._grants.pop(key, None)
            return None

    def put(self, token: str, grant: Grant, called_at: float) -> None:
        """Cache a grant; its time to live begins at `called_at`, when the authorizer was called."""
        if self._ttl <= 0:
            return
        with self._lock:
            key = _digest(token)
            self._grants[key] = (grant, called_at + self._ttl)
            self._grants.move_to_end(key)
            if len(self._grants) > self._size:
                self._grants.popitem(last=False)


def _digest(token: str) -> bytes:
    """Hash a token, so that keys are short and the cache holds no secret."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
