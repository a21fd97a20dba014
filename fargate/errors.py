"""What the adapter refuses, and how API Gateway words it.

FargateError
├── ConfigurationError        the process cannot start; one line for each fault
└── GatewayError              an answer given without the app: `{"message": ...}`
    ├── BadRequest            400
    ├── Unauthorized          401
    ├── Forbidden             403
    ├── AccessDenied          403  an authorizer says no; its body is `{"Message": ...}`
    ├── MissingSignature      403
    ├── NotFound              404
    ├── MethodNotAllowed      405, with Allow
    ├── RequestTooLong        413
    ├── UriTooLong            414
    ├── HeadersTooLong        431
    ├── AuthorizerFailure     500
    ├── NotSupported          501
    ├── BadGateway            502  the app raised, or answered with what is no response
    └── ServiceUnavailable    503
"""

import json
from collections.abc import Iterable


class FargateError(Exception):
    """The root."""


class ConfigurationError(FargateError):
    """The process cannot start; the message has one line for each fault."""


class GatewayError(FargateError):
    """An answer that API Gateway gives by itself; its body is `{"message": ...}`."""

    status = 500
    message = "Internal server error"
    kind: str | None = None  # what x-amzn-ErrorType says, where it is sent

    def __init__(self, message: str | None = None, headers: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(message or self.message)
        kinds = (("x-amzn-ErrorType", self.kind),) if self.kind else ()
        self.headers: tuple[tuple[str, str], ...] = (*kinds, *headers)

    @property
    def body(self) -> bytes:
        """The JSON that the client receives."""
        return json.dumps({"message": str(self)}, separators=(",", ":")).encode()


class BadRequest(GatewayError):
    """The request cannot be understood as HTTP."""

    status = 400
    message = "Bad Request"


class Unauthorized(GatewayError):
    """The route wants a token and the request has none that is valid."""

    status = 401
    message = "Unauthorized"
    kind = "UnauthorizedException"


class Forbidden(GatewayError):
    """The route wants an API key, and the request has none that is valid."""

    status = 403
    message = "Forbidden"


class AccessDenied(GatewayError):
    """The token is good, but not for this. API Gateway writes this one key with a capital."""

    status = 403
    message = "User is not authorized to access this resource"
    kind = "AccessDeniedException"

    @property
    def body(self) -> bytes:
        """The JSON that the client receives."""
        return json.dumps({"Message": str(self)}, separators=(",", ":")).encode()


class MissingSignature(GatewayError):
    """The route wants a request that is signed with AWS credentials."""

    status = 403
    message = "Missing Authentication Token"
    kind = "MissingAuthenticationTokenException"


class NotFound(GatewayError):
    """No route has this path."""

    status = 404
    message = "Not Found"


class MethodNotAllowed(GatewayError):
    """The path has a route, but not for this method."""

    status = 405
    message = "Method Not Allowed"

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__(headers=[("Allow", ", ".join(allowed))])


class RequestTooLong(GatewayError):
    """The body is longer than the limit."""

    status = 413
    message = "Request Too Long"


class UriTooLong(GatewayError):
    """The path is too long to be named in a policy."""

    status = 414
    message = "Request URI too long"


class HeadersTooLong(GatewayError):
    """Request line and headers are longer than the limit."""

    status = 431
    message = "Request Header Fields Too Large"


class NotSupported(GatewayError):
    """The request wants a transfer coding other than chunked."""

    status = 501
    message = "Not Implemented"


class AuthorizerFailure(GatewayError):
    """The authorizer raised, or returned what is no policy. API Gateway words this `{"message":null}`."""

    kind = "AuthorizerConfigurationException"

    @property
    def body(self) -> bytes:
        """The JSON that the client receives."""
        return b'{"message":null}'


class BadGateway(GatewayError):
    """The app raised, or answered with what is not a response."""

    status = 502


class ServiceUnavailable(GatewayError):
    """The server is starting, draining, or has more to do than it can."""

    status = 503
    message = "Service Unavailable"
