"""Logins to a store whose password may rotate: the password changes first, and the secret a moment later.

What must hold: a store that refuses credentials gets them again only after a pause that grows, however many requests
need a connection; newer credentials are tried at once. Connections that are open are not affected.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from chalicelib.stores.credentials import LOG_SECONDS, Credentials, CredentialSource

logger = logging.getLogger("shop")

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 5.0
"""Between two logins with refused credentials. Each pause is twice the last one: servers count failed logins."""

Connected = TypeVar("Connected")
Refused = TypeVar("Refused", bound=Exception)


@dataclass(slots=True)
class _Refusal(Generic[Refused]):
    """The credentials that the store refused last, how, and when they may be tried again."""

    credentials: Credentials
    error: Refused
    pause: float
    next_try: float


class Logins(Generic[Refused]):
    """The logins to one store. Thread-safe.

    Args:
        store: its name, for the log.
        credentials: where the credentials come from.
        kind: the error that means that the store refuses the credentials.
        describe: returns an error's text for the log.
        clock: monotonic, in seconds.
    """

    def __init__(
        self,
        store: str,
        credentials: CredentialSource,
        kind: type[Refused],
        describe: Callable[[Refused], str] = str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._credentials = credentials
        self._kind = kind
        self._describe = describe
        self._clock = clock
        self._lock = threading.Lock()
        self._refusal: _Refusal[Refused] | None = None
        self._next_log = float("-inf")  # on the clock

    def connect(self, log_in: Callable[[Credentials], Connected], seconds: float) -> Connected:
        """Log in; after a refusal, log in with newer credentials, and wait up to `seconds` for those.

        Raises:
            CredentialsUnavailableError: the credentials cannot be read.
            kind: the store refuses the credentials now, or did a moment ago, and there are no newer ones.
        """
        tried = self.to_try(seconds)
        while True:  # ends: there are newer credentials at most once a second
            try:
                connected = log_in(tried)
            except self._kind as error:
                tried = self.after_refusal(tried, error, seconds)
            else:
                self.accept()
                return connected

    def to_try(self, seconds: float) -> Credentials:
        """Return the credentials to log in with. Raises as `connect` does."""
        refusal = self._refusal
        if refusal is None:
            return self._credentials.current(seconds)
        renewed = self._credentials.refresh(refusal.credentials, seconds)
        if renewed != refusal.credentials:
            return renewed
        if not self._may_try(refusal):
            raise self._kind(*refusal.error.args)
        return self._credentials.current(seconds)  # an IAM token is new each time

    def after_refusal(self, refused: Credentials, error: Refused, seconds: float) -> Credentials:
        """Note that the store refused these credentials. Return newer ones; raise `error` if there are none."""
        self._note(refused, error)
        renewed = self._credentials.refresh(refused, seconds)
        if renewed == refused:
            raise error
        return renewed

    def accept(self) -> None:
        """Note that the store accepted a login."""
        self._refusal = None

    def _note(self, refused: Credentials, error: Refused) -> None:
        with self._lock:
            if self._refusal is None or self._refusal.credentials != refused:
                next_try = self._clock() + FIRST_PAUSE_SECONDS
                self._refusal = _Refusal(refused, error, FIRST_PAUSE_SECONDS, next_try)
            if self._clock() >= self._next_log:
                self._next_log = self._clock() + LOG_SECONDS
                reason = self._describe(error)
                logger.warning("%s refuses a new login; open connections are still used: %s", self._store, reason)

    def _may_try(self, refusal: _Refusal[Refused]) -> bool:
        """Return whether this caller may try the refused credentials; the next one waits longer."""
        with self._lock:
            if self._clock() < refusal.next_try:
                return False
            refusal.pause = min(2 * refusal.pause, LONGEST_PAUSE_SECONDS)
            refusal.next_try = self._clock() + refusal.pause
            return True
