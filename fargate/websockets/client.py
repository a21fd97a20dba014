"""What handlers send through: boto3's client of the service `apigatewaymanagementapi`, without AWS in between."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from fargate.websockets.connections import ClientTooSlow, Gone, MessageTooLong, Reach, Unreachable


class GoneException(ClientError):  # type: ignore[misc]  # botocore has no types
    """The connection is closed: 410."""


class PayloadTooLargeException(ClientError):  # type: ignore[misc]  # botocore has no types
    """The message is longer than the limit: 413."""


class LimitExceededException(ClientError):  # type: ignore[misc]  # botocore has no types
    """The client does not read: 429."""


class ServiceUnavailableException(ClientError):  # type: ignore[misc]  # botocore has no types
    """The task of the connection, or Redis, does not answer: 503."""


class Exceptions:
    """Where boto3's clients have their exceptions."""

    ClientError = ClientError
    GoneException = GoneException
    PayloadTooLargeException = PayloadTooLargeException
    LimitExceededException = LimitExceededException
    ServiceUnavailableException = ServiceUnavailableException


_STATUS: dict[type[Exception], tuple[type[ClientError], int]] = {
    Gone: (GoneException, 410),
    MessageTooLong: (PayloadTooLargeException, 413),
    ClientTooSlow: (LimitExceededException, 429),
    Unreachable: (ServiceUnavailableException, 503),
}


class ManagementClient:
    """Sends to connections. Thread-safe; the names and arguments of its methods are boto3's."""

    exceptions = Exceptions

    def __init__(self, connections: Reach) -> None:
        self._connections = connections

    def post_to_connection(self, *, ConnectionId: str, Data: Any) -> dict[str, Any]:  # noqa: N803
        """Send a message: text, bytes, or a file of bytes.

        Raises:
            GoneException, PayloadTooLargeException, LimitExceededException: it is not sent.
            ServiceUnavailableException: whether it is sent is not known; the other methods raise it too.
        """
        message = Data.read() if hasattr(Data, "read") else Data
        with _as_boto3("PostToConnection"):
            self._connections.find(ConnectionId).post(message if isinstance(message, str) else bytes(message))
        return _answer(200)

    def delete_connection(self, *, ConnectionId: str) -> dict[str, Any]:  # noqa: N803
        """Close a connection.

        Raises:
            GoneException: it is closed already.
        """
        with _as_boto3("DeleteConnection"):
            self._connections.find(ConnectionId).close()
        return _answer(204)

    def get_connection(self, *, ConnectionId: str) -> dict[str, Any]:  # noqa: N803
        """Tell since when a connection is open, when it was last used, and by whom.

        Raises:
            GoneException: it is closed.
        """
        with _as_boto3("GetConnection"):
            found = self._connections.find(ConnectionId).information()
        return {
            **_answer(200),
            "ConnectedAt": datetime.fromtimestamp(found.connected_at, UTC),
            "Identity": {"SourceIp": found.source_ip, "UserAgent": found.user_agent},
            "LastActiveAt": datetime.fromtimestamp(found.last_active_at, UTC),
        }


def _answer(status: int) -> dict[str, Any]:
    return {"ResponseMetadata": {"HTTPStatusCode": status}}


@contextmanager
def _as_boto3(operation: str) -> Iterator[None]:
    try:
        yield
    except (Gone, MessageTooLong, ClientTooSlow, Unreachable) as error:
        raised, status = _STATUS[type(error)]
        message = str(error) if isinstance(error, Unreachable) else ""  # the others say all by their names, as at AWS
        response = {"Error": {"Code": raised.__name__, "Message": message}, **_answer(status)}
        raise raised(response, operation) from None
