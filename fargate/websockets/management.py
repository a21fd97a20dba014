"""`/@connections/{id}`: API Gateway's own routes for its WebSockets, for those who sign with configured keys.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from fargate.errors import FargateError, GatewayError, MethodNotAllowed
from fargate.http.messages import HttpRequest, HttpResponse
from fargate.websockets.connections import ClientTooSlow, Connection, Gone, MessageTooLong, Reach, Unreachable
from fargate.websockets.signatures import check_signature

METHODS = ("DELETE", "GET", "POST")


class _Gone(GatewayError):
    status, message, kind = 410, "Gone", "GoneException"


class _TooLarge(GatewayError):
    status, message, kind = 413, "Payload Too Large", "PayloadTooLargeException"


class _TooMuch(GatewayError):
    status, message, kind = 429, "Limit Exceeded", "LimitExceededException"


class _Unavailable(GatewayError):
    status, message, kind = 503, "Service Unavailable", "ServiceUnavailableException"


_ERRORS: Mapping[type[FargateError], type[GatewayError]] = {
    Gone: _Gone,
    MessageTooLong: _TooLarge,
    ClientTooSlow: _TooMuch,
    Unreachable: _Unavailable,
}


class Management:
    """Answers the requests.

    Args:
        reach: finds connections.
        keys: secrets by the ids of the keys.
        stage: of the events: a first part of the path that may be there.
        clock: seconds since the epoch.
    """

    route = "/@connections/{id}"

    def __init__(
        self, reach: Reach, keys: Mapping[str, str], stage: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._reach = reach
        self._keys = keys
        self._clock = clock
        self._path = re.compile(rf"(?:/{re.escape(stage)})?/(?:@|%40)connections/([\w-]+)", re.ASCII)

    def owns(self, path: str) -> bool:
        """Tell whether a path, without the mount and the base path, is one of these routes."""
        return self._path.fullmatch(path) is not None

    def answer(self, request: HttpRequest, path: str) -> HttpResponse:
        """Do what a request asks for.

        Raises:
            GatewayError: it is not signed, or cannot be done.
        """
        found = self._path.fullmatch(path)
        assert found is not None, path  # noqa: S101  `owns` has said so
        check_signature(request, self._keys, self._clock())
        if request.method not in METHODS:
            raise MethodNotAllowed(METHODS)
        try:
            return _do(request, self._reach.find(found[1]))
        except tuple(_ERRORS) as error:
            raise _ERRORS[type(error)](str(error) if isinstance(error, Unreachable) else None) from None


def _do(request: HttpRequest, connection: Connection) -> HttpResponse:
    if request.method == "POST":
        connection.post(request.body)
        return HttpResponse(200, [], b"")
    if request.method == "DELETE":
        connection.close()
        return HttpResponse(204, [], b"")
    found = connection.information()
    known = {
        "connectedAt": _iso(found.connected_at),
        "identity": {"sourceIp": found.source_ip, "userAgent": found.user_agent},
        "lastActiveAt": _iso(found.last_active_at),
    }
    return HttpResponse(200, [("Content-Type", "application/json")], json.dumps(known).encode())


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
