"""The public keys of a user pool, fetched with PyJWT's client when a token needs them.

PyJWKClient downloads and parses the keys. It has no rule for failures, so this module decides when to fetch:

- at most once a minute, however many tokens name unknown keys, and 10 s after a failed fetch;
- if a fetch fails, known keys stay valid;
- while a fetch is running, tokens with known keys do not wait for it;
- a fetch has a thread of its own: no limit of PyJWKClient holds for looking the host's name up.
"""

import http.client
import logging
import time
from collections.abc import Callable
from threading import Event, Lock, Thread

import jwt

logger = logging.getLogger("fargate")

TIMEOUT_SECONDS = 2.0  # without a byte
WAIT_SECONDS = 2.5  # how long a request waits for a fetch, which goes on
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
        self._fetched: Event | None = None  # of the fetch that is under way
        self._is_hanging = False  # that fetch: a request has waited for it in vain
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fresh_until = self._next_fetch = clock()

    def find(self, key_id: str) -> jwt.PyJWK | None:
        """Return a key by its id; fetches if needed, and waits for that at most 2.5 s."""
        if key_id not in self._keys or self._clock() >= self._fresh_until:
            self._refresh()
        return self._keys.get(key_id)

    def _refresh(self) -> None:
        """Fetch if it is time. If another thread has begun that, wait for it only while there are no keys at all.

        A fetch that one request has waited for in vain is not waited for again.
        """
        with self._lock:
            fetched = self._fetched
            begins = fetched is None and self._clock() >= self._next_fetch
            if begins:
                fetched, self._is_hanging = Event(), False
                Thread(target=self._fetch_and_tell, args=(fetched,), name="fetch-keys", daemon=True).start()
                self._fetched = fetched
        if fetched is not None and (begins or not self._keys) and not self._is_hanging:
            self._is_hanging = not fetched.wait(WAIT_SECONDS)

    def _fetch_and_tell(self, fetched: Event) -> None:
        try:
            self._fetch()
        finally:
            with self._lock:
                self._fetched = None
            fetched.set()

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
