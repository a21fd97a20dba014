"""Where the shop's credentials for PostgreSQL and Redis come from: the URL, or a secret that may rotate.

A secret is read when credentials are first needed and again only when a store has refused what it said: Secrets
Manager may be away for hours and nobody notices, and a rotation needs no restart. boto3 is imported with the first
secret, so a shop without one does not pay for it.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from chalicelib.errors import ServiceUnavailableError

RETRY_SECONDS = 1.0  # how long a failure is remembered: Secrets Manager is not asked more often than that
ANSWER_SECONDS = 1.0  # how long Secrets Manager may take to accept a connection, and then to answer


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and a password for PostgreSQL or Redis; the password is never shown in a log or a traceback."""

    username: str
    password: str | None = field(repr=False)


class CredentialsUnavailableError(ServiceUnavailableError):
    """The secret cannot be read, or does not hold a user name and a password."""


class CredentialSource(Protocol):
    """Answers who one is to a store; both methods raise CredentialsUnavailableError. Safe to share by threads."""

    def current(self) -> Credentials:
        """Return the credentials to try first."""

    def refresh(self, refused: Credentials) -> Credentials:
        """Return what to try after a store refused `refused`: newer credentials, or the same where there are none."""


NOBODY = Credentials("", None)


def source(fixed: Credentials | None, secret_arn: str | None) -> CredentialSource:
    """Return the source that the settings ask for: a secret, else the fixed credentials, else nobody's."""
    if secret_arn is not None:
        return SecretCredentials(secret_arn)
    return FixedCredentials(fixed or NOBODY)


@dataclass(frozen=True, slots=True)
class FixedCredentials:
    """Credentials that stay what they are."""

    credentials: Credentials

    def current(self) -> Credentials:
        """Return the credentials."""
        return self.credentials

    def refresh(self, refused: Credentials) -> Credentials:
        """Return the same credentials: there are no others."""
        return self.credentials


class SecretCredentials:
    """The credentials in a Secrets Manager secret, `{"username": ..., "password": ...}`."""

    def __init__(self, arn: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._arn = arn
        self._clock = clock
        self._lock = threading.Lock()
        self._provider: Any = None
        self._known: Credentials | None = None
        self._asked = float("-inf")  # when Secrets Manager was last asked, on the clock

    def current(self) -> Credentials:
        """Return what the secret said when it was last read."""
        known = self._known
        if known is not None:
            return known
        with self._lock:
            return self._known or self._read()

    def refresh(self, refused: Credentials) -> Credentials:
        """Read the secret again, unless another thread has already done so or it was read a moment ago."""
        with self._lock:
            if self._known is not None and self._known != refused:
                return self._known
            if self._known is not None and self._just_asked():
                return self._known
            return self._read()

    def _just_asked(self) -> bool:
        return self._clock() - self._asked < RETRY_SECONDS

    def _read(self) -> Credentials:
        """Ask Secrets Manager, but not again right after a failure: callers wait in line behind the lock."""
        if self._known is None and self._just_asked():
            raise CredentialsUnavailableError(f"the secret {self._arn} could not be read a moment ago")
        self._asked = self._clock()
        self._known = _credentials_in(self._arn, self._fetch())
        return self._known

    def _fetch(self) -> object:
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError, TransformParameterError
        from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]

        try:
            self._provider = self._provider or _secrets_provider()
            return self._provider.get(self._arn, transform="json", force_fetch=True)
        except TransformParameterError:
            # Its message and its cause may quote the secret: neither goes further.
            raise CredentialsUnavailableError(f"the secret {self._arn} is not JSON") from None
        except (GetParameterError, BotoCoreError) as error:
            raise CredentialsUnavailableError(f"the secret {self._arn} cannot be read: {error}") from error


def _secrets_provider() -> Any:
    """Return Powertools' provider over a client that gives up soon: a request is waiting for it."""
    from aws_lambda_powertools.utilities.parameters import SecretsProvider
    from botocore.config import Config  # type: ignore[import-untyped]

    patience = Config(
        connect_timeout=ANSWER_SECONDS,
        read_timeout=ANSWER_SECONDS,
        retries={"total_max_attempts": 2, "mode": "standard"},
    )
    return SecretsProvider(boto_config=patience)


def _credentials_in(arn: str, secret: object) -> Credentials:
    if isinstance(secret, Mapping):
        username, password = secret.get("username"), secret.get("password")
        if isinstance(username, str) and isinstance(password, str):
            return Credentials(username, password)
    raise CredentialsUnavailableError(f'the secret {arn} does not look like {{"username": "...", "password": "..."}}')
