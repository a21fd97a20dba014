"""The public keys of a user pool, fetched when first needed and when an unknown one shows up.

Keys that were fetched once go on working while they cannot be fetched again; without any, nothing is verified and so
nothing passes. However many requests name unknown keys, the pool is asked at most once a minute.
"""

import http.client
import json
import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import Any
from urllib.request import HTTPRedirectHandler, build_opener

import jwt

logger = logging.getLogger("fargate")

TIMEOUT_SECONDS = 2.0
REFETCH_SECONDS = 60.0  # at least this long between two fetches
RETRY_SECONDS = 10.0  # or this, where the last one failed
FRESH_SECONDS = 3600.0  # after this, look whether a key was withdrawn
MAX_BYTES = 256 * 1024


class KeySet:
    """The RSA keys at one address. Thread-safe.

    Args:
        url: an http or https address that answers with a JSON Web Key Set (RFC 7517); redirects are not followed.
        clock: seconds on a clock that never goes back.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._lock = Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fresh_until = self._next_fetch = clock()

    def find(self, key_id: str) -> jwt.PyJWK | None:
        """Return a key by its id; fetches where that may help, for 2 s without a byte at most."""
        if key_id not in self._keys or self._clock() >= self._fresh_until:
            self._refresh()
        return self._keys.get(key_id)

    def _refresh(self) -> None:
        """Fetch, unless it is too early or another thread does; wait for that one only where there are no keys yet."""
        if not self._lock.acquire(blocking=not self._keys):
            return
        try:
            if self._clock() >= self._next_fetch:
                self._fetch()
        finally:
            self._lock.release()

    def _fetch(self) -> None:
        try:
            self._keys = _rsa_keys(_download(self._url))
        except (OSError, ValueError, http.client.HTTPException, jwt.PyJWTError) as error:
            logger.warning("The user pool's keys cannot be fetched from %s: %s", self._url, error)
            self._next_fetch = self._clock() + RETRY_SECONDS
        else:
            self._next_fetch = self._clock() + REFETCH_SECONDS
            self._fresh_until = self._clock() + FRESH_SECONDS


class _StayHere(HTTPRedirectHandler):
    """Follows no redirect: keys come from the address that was configured, or not at all."""

    def redirect_request(self, *args: Any) -> None:
        return None


def _download(url: str) -> dict[str, Any]:
    with build_opener(_StayHere).open(url, timeout=TIMEOUT_SECONDS) as response:
        document = json.loads(response.read(MAX_BYTES))
    if not isinstance(document, dict):
        raise ValueError("that is not a JSON Web Key Set")
    return document


def _rsa_keys(document: dict[str, Any]) -> dict[str, jwt.PyJWK]:
    """Return the keys that may sign with RSA, by id."""
    return {
        each.key_id: each
        for each in jwt.PyJWKSet.from_dict(document).keys
        if each.key_id and each.public_key_use in ("sig", None) and each.key_type == "RSA"
    }
