"""Credentials for PostgreSQL and Redis: fixed ones from the URL, or a secret that may rotate.

A secret is read when credentials are first needed, and again while a store refuses them. So an outage of Secrets
Manager affects only new tasks, and a rotation needs no restart. A thread of its own reads, at most one at a time: the
caller waits only as long as it says. boto3 is imported with the first secret: a shop without one starts without it.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

from chalicelib.errors import ServiceUnavailableError
from chalicelib.stores.background_call import BackgroundCall

logger = logging.getLogger("shop")

RETRY_SECONDS = 1.0  # the shortest time between two requests to Secrets Manager
ANSWER_SECONDS = 1.0  # how long Secrets Manager may take to accept a connection, and then to answer
PATIENT_SECONDS = 5.0  # longer than a reading takes with its second attempt: for callers without a deadline
LOG_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """User name and password for PostgreSQL or Redis. The password never appears in a log or a traceback."""

    username: str
    password: str | None = field(repr=False)


class CredentialsUnavailableError(ServiceUnavailableError):
    """The secret cannot be read, or does not hold a user name and a password."""


class CredentialSource(Protocol):
    """Gives the credentials for one store. Thread-safe."""

    def current(self, seconds: float = PATIENT_SECONDS) -> Credentials:
        """Return the credentials to try first; wait up to `seconds` for them.

        Raises:
            CredentialsUnavailableError: they cannot be read, or not in that time.
        """

    def refresh(self, refused: Credentials, seconds: float = PATIENT_SECONDS) -> Credentials:
        """Return the credentials to try after a store refused `refused`; wait up to `seconds` for newer ones.

        They are the same if there are no newer ones. Raises nothing.
        """


NO_CREDENTIALS = Credentials("", None)


def source(fixed: Credentials | None, secret_arn: str | None) -> CredentialSource:
    """Return the secret's credentials if there is a secret, else the fixed ones, else NO_CREDENTIALS."""
    if secret_arn is not None:
        return SecretCredentials(secret_arn)
    return FixedCredentials(fixed or NO_CREDENTIALS)


@dataclass(frozen=True, slots=True)
class FixedCredentials:
    """Credentials that never change."""

    credentials: Credentials

    def current(self, seconds: float = PATIENT_SECONDS) -> Credentials:
        return self.credentials

    def refresh(self, refused: Credentials, seconds: float = PATIENT_SECONDS) -> Credentials:
        return self.credentials


class SecretCredentials:
    """The credentials in a Secrets Manager secret, `{"username": ..., "password": ...}`."""

    def __init__(self, arn: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._arn = arn
        self._clock = clock
        self._lock = threading.Lock()
        self._provider: Any = None
        self._known: Credentials | None = None
        self._failure = f"the secret {arn} was not read in time"
        self._reading = BackgroundCall("read-secret", self._read)
        self._under_way: Future[None] | None = None  # the last reading
        self._last_read = float("-inf")  # on the clock
        self._next_log = float("-inf")  # on the clock

    def current(self, seconds: float = PATIENT_SECONDS) -> Credentials:
        """Return what the secret held when it was last read."""
        if self._known is None:
            self._read_again(seconds)
        if self._known is None:
            raise CredentialsUnavailableError(self._failure)
        return self._known

    def refresh(self, refused: Credentials, seconds: float = PATIENT_SECONDS) -> Credentials:
        """Read the secret again if that is due, and it is not newer already."""
        if self._known is None or self._known == refused:
            self._read_again(seconds)
        return self._known or refused

    def _read_again(self, seconds: float) -> None:
        """Wait for the reading under way. If there is none, start one, unless the last one was a moment ago."""
        with self._lock:
            is_due = self._clock() - self._last_read >= RETRY_SECONDS
            if is_due and (self._under_way is None or self._under_way.done()):
                self._last_read = self._clock()
                self._start_reading()
            under_way = self._under_way
        if under_way is not None:
            wait([under_way], seconds)

    def _start_reading(self) -> None:
        try:
            self._under_way = self._reading.start()
        except OSError as error:  # there are too many threads
            self._failure = f"the secret {self._arn} cannot be read: {error}"

    def _read(self) -> None:
        """Read the secret. What cannot be used is logged, and changes nothing: the last credentials may still work."""
        try:
            self._known = _credentials_in(self._arn, self._fetch())
        except CredentialsUnavailableError as error:
            self._failure = str(error)
            if self._clock() >= self._next_log:
                self._next_log = self._clock() + LOG_SECONDS
                logger.warning("%s: %s", type(error).__name__, error)

    def _fetch(self) -> object:
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError, TransformParameterError
        from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]

        try:
            self._provider = self._provider or _secrets_provider()
            return self._provider.get(self._arn, transform="json", force_fetch=True)
        except TransformParameterError:
            # No `from error`: its message and its cause may quote the secret.
            raise CredentialsUnavailableError(f"the secret {self._arn} is not JSON") from None
        except (GetParameterError, BotoCoreError) as error:
            raise CredentialsUnavailableError(f"the secret {self._arn} cannot be read: {error}") from error


def _secrets_provider() -> Any:
    """Return Powertools' provider over a client with short timeouts, since requests wait for it."""
    from aws_lambda_powertools.utilities.parameters import SecretsProvider
    from botocore.config import Config  # type: ignore[import-untyped]

    timeouts = Config(
        connect_timeout=ANSWER_SECONDS,
        read_timeout=ANSWER_SECONDS,
        retries={"total_max_attempts": 2, "mode": "standard"},
    )
    return SecretsProvider(boto_config=timeouts)


def _credentials_in(arn: str, secret: object) -> Credentials:
    if isinstance(secret, Mapping):
        username, password = secret.get("username"), secret.get("password")
        if isinstance(username, str) and isinstance(password, str):
            return Credentials(username, password)
    raise CredentialsUnavailableError(f'the secret {arn} does not look like {{"username": "...", "password": "..."}}')
