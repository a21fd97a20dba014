"""IAM database authentication: a token, signed here with the task's own AWS credentials, is the password of one login.

What must hold: signing asks nobody; AWS is asked only for the credentials themselves, which botocore renews before they
end. Each login has a token of its own, so none is refused for its age. botocore is imported with the first token, so a
shop that logs in with a password does not pay for it.

botocore's RDS client makes the same token (`generate_db_auth_token`), and a test holds the two together; but making
that client reads the description of all of RDS, for one signature.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from chalicelib.settings import DatabaseAddress
from chalicelib.stores.credentials import RETRY_SECONDS, Credentials, CredentialsUnavailableError

TOKEN_SECONDS = 900  # how long RDS takes a token; a connection that is open by then stays
SCHEME = "https://"  # signed with it, sent without


class IamCredentials:
    """Signs a token for each login of one user to one database. Safe to share by threads."""

    def __init__(
        self, username: str, address: DatabaseAddress, region: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._username = username
        self._url = f"{SCHEME}{address.host}:{address.port}/"
        self._region = region
        self._clock = clock
        self._lock = threading.Lock()
        self._provider: Any = None  # botocore's credentials, which renew themselves
        self._failed = float("-inf")  # when AWS last gave none, on the clock

    def current(self) -> Credentials:
        """Return the user and a new token; raises CredentialsUnavailableError."""
        return Credentials(self._username, self._token())

    def refresh(self, refused: Credentials) -> Credentials:
        """Return what was refused: it was new, so another one would be refused too."""
        return refused

    def _token(self) -> str:
        from botocore.auth import SigV4QueryAuth  # type: ignore[import-untyped]
        from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]

        request = AWSRequest("GET", self._url, params={"Action": "connect", "DBUser": self._username})
        SigV4QueryAuth(self._keys(), "rds-db", self._region, expires=TOKEN_SECONDS).add_auth(request)
        return str(request.url).removeprefix(SCHEME)

    def _keys(self) -> Any:
        """Return AWS credentials that are good now; after a failure, AWS is not asked again for a second."""
        from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]

        if self._clock() - self._failed < RETRY_SECONDS:
            raise CredentialsUnavailableError("there were no AWS credentials a moment ago")
        try:
            return self._found().get_frozen_credentials()
        except (BotoCoreError, RuntimeError) as error:  # RuntimeError: what was renewed has ended already
            self._failed = self._clock()
            raise CredentialsUnavailableError(f"AWS credentials cannot be read: {error}") from error

    def _found(self) -> Any:
        from botocore.session import get_session  # type: ignore[import-untyped]

        with self._lock:
            self._provider = self._provider or get_session().get_credentials()
        if self._provider is None:
            self._failed = self._clock()
            raise CredentialsUnavailableError("there are no AWS credentials: the task has no role, and no keys")
        return self._provider
