"""IAM database authentication: a token, signed with the task's AWS credentials, is the password for one login.

Signing needs no request; botocore asks AWS only for the credentials, and renews them before they expire. Each login has
a new token, so no token is refused for its age. botocore is imported with the first token: a shop that logs in with a
password starts without it.

botocore's RDS client makes the same token (`generate_db_auth_token`), and a test compares the two. Making that client
loads the description of the whole RDS API, for one signature.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from chalicelib.database_url import DatabaseAddress
from chalicelib.stores.background_call import BackgroundCall
from chalicelib.stores.credentials import (
    PATIENT_SECONDS,
    RETRY_SECONDS,
    Credentials,
    CredentialsUnavailableError,
)

ANSWER_SECONDS = 1.0  # how long a login waits for the task's AWS credentials; botocore goes on to ask for them
TOKEN_SECONDS = 900  # how long RDS accepts a token for a login; open connections are not affected
SCHEME = "https://"  # part of what is signed, not of the token


class IamCredentials:
    """Signs a token for each login of one user to one database. Thread-safe."""

    def __init__(
        self, username: str, address: DatabaseAddress, region: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._username = username
        self._url = f"{SCHEME}{address.host}:{address.port}/"
        self._region = region
        self._clock = clock
        self._lock = threading.Lock()
        self._provider: Any = None  # botocore's credentials, which renew themselves
        self._last_failure = float("-inf")  # on the clock
        self._asking = BackgroundCall("aws-credentials", self._ask)

    def current(self, seconds: float = PATIENT_SECONDS) -> Credentials:
        """Return the user and a new token after at most ANSWER_SECONDS; raises CredentialsUnavailableError."""
        return Credentials(self._username, self._token())

    def refresh(self, refused: Credentials, seconds: float = PATIENT_SECONDS) -> Credentials:
        """Return the refused credentials: their token was new, so another one would be refused too."""
        return refused

    def _token(self) -> str:
        from botocore.auth import SigV4QueryAuth  # type: ignore[import-untyped]
        from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]

        request = AWSRequest("GET", self._url, params={"Action": "connect", "DBUser": self._username})
        SigV4QueryAuth(self._aws_credentials(), "rds-db", self._region, expires=TOKEN_SECONDS).add_auth(request)
        return str(request.url).removeprefix(SCHEME)

    def _aws_credentials(self) -> Any:
        """Return valid AWS credentials. For a second after a failure, raise without asking AWS.

        No limit of botocore's holds for looking names up, and those of STS are a minute: a thread asks.
        """
        from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]

        if self._clock() - self._last_failure < RETRY_SECONDS:
            raise CredentialsUnavailableError("there were no AWS credentials a moment ago")
        try:
            return self._asking.start().result(ANSWER_SECONDS)
        except TimeoutError:
            self._last_failure = self._clock()
            raise CredentialsUnavailableError(f"AWS gave no credentials within {ANSWER_SECONDS:g} s") from None
        except (BotoCoreError, RuntimeError) as error:  # RuntimeError: the renewed credentials have expired already
            self._last_failure = self._clock()
            raise CredentialsUnavailableError(f"AWS credentials cannot be read: {error}") from error

    def _ask(self) -> Any:
        return self._found_provider().get_frozen_credentials()

    def _found_provider(self) -> Any:
        from botocore.session import get_session  # type: ignore[import-untyped]

        with self._lock:
            self._provider = self._provider or get_session().get_credentials()
        if self._provider is None:
            self._last_failure = self._clock()
            raise CredentialsUnavailableError("there are no AWS credentials: the task has no role, and no keys")
        return self._provider
