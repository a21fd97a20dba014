"""The public keys of a user pool, fetched with PyJWT's client when a token needs them.

PyJWKClient downloads and parses the keys. It has no rule for failures, so this module decides when to fetch:

- at most once a minute, however many tokens name unknown keys, and 10 s after a failed fetch;
- if a fetch fails, known keys stay valid;
- while a fetch is running, tokens with known keys do not wait for it.
"""

import http.client
import logging
import time
from collections.abc import Callable
from threading import Lock

import jwt

logger = logging.getLogger("fargate")

TIMEOUT_SECONDS = 2.0
REFETCH_SECONDS = 60.0  # between two fetches, at least
RETRY_SECONDS = 10.0  # the same after a failed fetch
FRESH_SECONDS = 3600.0  # then fetch again, to notice that a key was withdrawn


class KeySet:
    """The RSA keys at one address. Thread-safe.

    Args:
        url: http or https address of a JSON Web Key Set (RFC 7517); redirects are not followed.
        clock: monotonic seconds.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=TIMEOUT_SECONDS)
        self._lock = Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fresh_until = self._next_fetch = clock()

    def find(self, key_id: str) -> jwt.PyJWK | None:
        """Return a key by its id; fetches if needed, which fails after 2 s without a byte."""
        if key_id not in self._keys or self._clock() >= self._fresh_until:
            self._refresh()
        return self._keys.get(key_id)

    def _refresh(self) -> None:
        """Fetch if it is time. If another thread is fetching, wait for it only while there are no keys at all."""
        if not self._lock.acquire(blocking=not self._keys):
            return
        try:
            if self._clock() >= self._next_fetch:
                self._fetch()
        finally:
            self._lock.release()

    def _fetch(self) -> None:
        try:
            keys = self._client.get_signing_keys()
        except (OSError, ValueError, http.client.HTTPException, jwt.PyJWTError) as error:
            logger.warning("The user pool's keys cannot be fetched from %s: %s", self._url, error)
            self._next_fetch = self._clock() + RETRY_SECONDS
        else:
            self._keys = {str(each.key_id): each for each in keys if each.key_type == "RSA"}
            self._next_fetch = self._clock() + REFETCH_SECONDS
            self._fresh_until = self._clock() + FRESH_SECONDS
