"""Credentials for PostgreSQL and Redis: fixed ones from the URL, or a secret that may rotate.

A secret is read when credentials are first needed, and again when a store has refused them. So an outage of Secrets
Manager affects only new tasks, and a rotation needs no restart. boto3 is imported with the first secret: a shop
without one starts without it.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from chalicelib.errors import ServiceUnavailableError

RETRY_SECONDS = 1.0  # the shortest time between two requests to Secrets Manager
ANSWER_SECONDS = 1.0  # how long Secrets Manager may take to accept a connection, and then to answer

Connected = TypeVar("Connected")


@dataclass(frozen=True, slots=True)
class Credentials:
    """User name and password for PostgreSQL or Redis. The password never appears in a log or a traceback."""

    username: str
    password: str | None = field(repr=False)


class CredentialsUnavailableError(ServiceUnavailableError):
    """The secret cannot be read, or does not hold a user name and a password."""


class CredentialSource(Protocol):
    """Gives the credentials for one store. Both methods raise CredentialsUnavailableError. Thread-safe."""

    def current(self) -> Credentials:
        """Return the credentials to try first."""

    def refresh(self, refused: Credentials) -> Credentials:
        """Return the credentials to try after a store refused `refused`; the same ones if there are no newer ones."""


NO_CREDENTIALS = Credentials("", None)


def with_renewal(
    credentials: CredentialSource, connect: Callable[[Credentials], Connected], refused: type[Exception]
) -> Connected:
    """Connect with the current credentials; after a refusal, once more with newer ones.

    Raises:
        CredentialsUnavailableError: the credentials cannot be read.
        refused: the server refuses the credentials, and there are no newer ones, or it refuses those too.
    """
    tried = credentials.current()
    try:
        return connect(tried)
    except refused:
        renewed = credentials.refresh(tried)
        if renewed == tried:
            raise
    return connect(renewed)


def source(fixed: Credentials | None, secret_arn: str | None) -> CredentialSource:
    """Return the secret's credentials if there is a secret, else the fixed ones, else NO_CREDENTIALS."""
    if secret_arn is not None:
        return SecretCredentials(secret_arn)
    return FixedCredentials(fixed or NO_CREDENTIALS)


@dataclass(frozen=True, slots=True)
class FixedCredentials:
    """Credentials that never change."""

    credentials: Credentials

    def current(self) -> Credentials:
        return self.credentials

    def refresh(self, refused: Credentials) -> Credentials:
        return self.credentials


class SecretCredentials:
    """The credentials in a Secrets Manager secret, `{"username": ..., "password": ...}`."""

    def __init__(self, arn: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._arn = arn
        self._clock = clock
        self._lock = threading.Lock()
        self._provider: Any = None
        self._known: Credentials | None = None
        self._last_read = float("-inf")  # on the clock

    def current(self) -> Credentials:
        """Return what the secret held when it was last read."""
        known = self._known
        if known is not None:
            return known
        with self._lock:
            return self._known or self._read()

    def refresh(self, refused: Credentials) -> Credentials:
        """Read the secret again, unless another thread has just done so."""
        with self._lock:
            if self._known is not None and (self._known != refused or self._was_just_read()):
                return self._known
            return self._read()

    def _was_just_read(self) -> bool:
        return self._clock() - self._last_read < RETRY_SECONDS

    def _read(self) -> Credentials:
        """Read the secret, but not right after a failure: other callers wait for the lock."""
        if self._known is None and self._was_just_read():
            raise CredentialsUnavailableError(f"the secret {self._arn} could not be read a moment ago")
        self._last_read = self._clock()
        self._known = _credentials_in(self._arn, self._fetch())
        return self._known

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
    """Return Powertools' provider over a client with short timeouts, since a request waits for it."""
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
