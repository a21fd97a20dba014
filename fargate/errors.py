"""The adapter's errors, with the responses that API Gateway gives.

FargateError
├── ConfigurationError        the process cannot start; one line for each error
└── GatewayError              a response without the app: `{"message": ...}`
    ├── BadRequest            400
    ├── Unauthorized          401
    ├── Forbidden             403
    ├── AccessDenied          403, by an authorizer; the body is `{"Message": ...}`
    ├── MissingSignature      403
    ├── BadSignature          403
    ├── NotFound              404
    ├── MethodNotAllowed      405, with Allow
    ├── RequestTimeout        408
    ├── LengthRequired        411
    ├── RequestTooLong        413
    ├── UriTooLong            414
    ├── HeadersTooLong        431
    ├── AuthorizerFailure     500
    ├── NotSupported          501
    │   └── WebSocketsNotServed   to a handshake
    ├── BadGateway            502, if the app raised or did not return a response
    └── ServiceUnavailable    503
"""

import json
from collections.abc import Iterable


class FargateError(Exception):
    """Base class."""


def text_of(error: BaseException) -> str:
    """Return an error's text, or that it has none, in Python's own words: `__str__` of the app's errors may raise."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001  of the app, whatever it is
        return "<exception str() failed>"


class ConfigurationError(FargateError):
    """The process cannot start; the message has one line for each error."""


class GatewayError(FargateError):
    """A response of the gateway itself; the body is `{"message": ...}`."""

    status = 500
    message = "Internal server error"
    kind: str | None = None  # the header x-amzn-ErrorType, if it is sent

    def __init__(self, message: str | None = None, headers: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(message or self.message)
        kinds = (("x-amzn-ErrorType", self.kind),) if self.kind else ()
        self.headers: tuple[tuple[str, str], ...] = (*kinds, *headers)

    @property
    def body(self) -> bytes:
        """The response's JSON."""
        return json.dumps({"message": str(self)}, separators=(",", ":")).encode()


class BadRequest(GatewayError):
    """The request is not valid HTTP."""

    status = 400
    message = "Bad Request"


class Unauthorized(GatewayError):
    """The route needs a token, and the request has no valid one."""

    status = 401
    message = "Unauthorized"
    kind = "UnauthorizedException"


class Forbidden(GatewayError):
    """The route needs an API key, and the request has no valid one."""

    status = 403
    message = "Forbidden"


class AccessDenied(GatewayError):
    """The token is valid, but not for this method. The key in API Gateway's body has a capital here."""

    status = 403
    message = "User is not authorized to access this resource"
    kind = "AccessDeniedException"

    @property
    def body(self) -> bytes:
        return json.dumps({"Message": str(self)}, separators=(",", ":")).encode()


class MissingSignature(GatewayError):
    """The route needs a request that is signed with AWS credentials."""

    status = 403
    message = "Missing Authentication Token"
    kind = "MissingAuthenticationTokenException"


class BadSignature(GatewayError):
    """The request is signed, but not with an accepted key, not now, or not as it has come."""

    status = 403
    message = "The request signature we calculated does not match the signature you provided"
    kind = "InvalidSignatureException"


class NotFound(GatewayError):
    """No route has this path."""

    status = 404
    message = "Not Found"


class MethodNotAllowed(GatewayError):
    """The path has no route for this method."""

    status = 405
    message = "Method Not Allowed"

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__(headers=[("Allow", ", ".join(allowed))])


class RequestTimeout(GatewayError):
    """The head or the body of the request does not come in time."""

    status = 408
    message = "Request Timeout"


class LengthRequired(GatewayError):
    """The server cannot tell where a body without Content-Length ends."""

    status = 411
    message = "Length Required"


class RequestTooLong(GatewayError):
    """The body is longer than the limit."""

    status = 413
    message = "Request Too Long"


class UriTooLong(GatewayError):
    """The path is too long for the ARN of a policy."""

    status = 414
    message = "Request URI too long"


class HeadersTooLong(GatewayError):
    """Request line and headers are longer than the limit."""

    status = 431
    message = "Request Header Fields Too Large"


class NotSupported(GatewayError):
    """The request has a transfer coding other than chunked."""

    status = 501
    message = "Not Implemented"


class WebSocketsNotServed(NotSupported):
    """The request asks for a WebSocket."""

    message = "WebSockets are not served here: use the app's HTTP routes"


class AuthorizerFailure(GatewayError):
    """The authorizer raised or did not return a policy. API Gateway's body is `{"message":null}`."""

    kind = "AuthorizerConfigurationException"

    @property
    def body(self) -> bytes:
        return b'{"message":null}'


class BadGateway(GatewayError):
    """The app raised or did not return a response."""

    status = 502


class ServiceUnavailable(GatewayError):
    """The server is starting, draining or overloaded."""

    status = 503
    message = "Service Unavailable"
