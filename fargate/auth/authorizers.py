"""Check requests to routes that have an authorizer, before the app is called.

Each authorizer of the app gets an access check. If it cannot be checked here (IAM signatures, external Lambda
functions, user pools that are not configured), its routes are closed, and the start logs which ones.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
"""

import logging
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from chalice.app import (
    BuiltinAuthConfig,
    Chalice,
    ChaliceAuthorizer,
    CognitoUserPoolAuthorizer,
    IAMAuthorizer,
    RouteEntry,
)

from fargate.auth.grants import Grant, GrantCache, read_grant
from fargate.auth.policy import Verdict
from fargate.errors import (
    AccessDenied,
    AuthorizerFailure,
    GatewayError,
    MissingSignature,
    Unauthorized,
    UriTooLong,
    text_of,
)
from fargate.http.messages import Header, canonical, last_value

if TYPE_CHECKING:
    from fargate.auth.cognito import TokenVerifier, UserPools

logger = logging.getLogger("fargate")

MAX_ARN_BYTES = 1600


class AccessRequest(NamedTuple):
    """What an access check sees of a request."""

    headers: Sequence[Header]
    method_arn: str
    context: Any  # the request's Lambda context
    is_signed: bool = False  # AWS verified an IAM signature, and asked IAM about this very path


class AccessCheck(Protocol):
    """Decides which requests an authorizer lets pass."""

    def authorize(self, request: AccessRequest) -> dict[str, Any] | None:
        """Return a new dict: the `requestContext.authorizer` that the view sees. None: what AWS says there stays.

        Raises:
            GatewayError: the request is refused.
        """


class FunctionCheck:
    """Calls an authorizer function of the app, and caches its result by token for `ttl_seconds`.

    A cached policy decides every method and path that the token is used for. Errors are not cached. Simultaneous first
    requests with one token may each call the function.
    """

    def __init__(self, authorizer: ChaliceAuthorizer, config: BuiltinAuthConfig, clock: Callable[[], float]) -> None:
        self._authorizer = authorizer
        self._header = canonical(config.header or "Authorization")
        self._clock = clock
        self._grants = GrantCache(config.ttl_seconds, clock)

    def authorize(self, request: AccessRequest) -> dict[str, Any]:
        token = _token(request, self._header)
        grant = self._grants.get(token)
        if grant is None:
            called_at = self._clock()
            grant = self._call(token, request)
            self._grants.put(token, grant, called_at)
        verdict = grant.policy.judge(request.method_arn)
        if verdict is Verdict.DENIED_EXPLICITLY:
            raise AccessDenied(f"{AccessDenied.message} with an explicit deny")
        if verdict is not Verdict.ALLOWED:
            raise AccessDenied
        return dict(grant.context)

    def _call(self, token: str, request: AccessRequest) -> Grant:
        event = {"type": "TOKEN", "authorizationToken": token, "methodArn": request.method_arn}
        try:
            return read_grant(self._authorizer(event, request.context))
        except BaseException as error:  # SystemExit too: it would end the thread, and the client would get no response
            if text_of(error) == "Unauthorized":
                raise Unauthorized from error
            logger.exception("The authorizer %s failed", self._authorizer.name)
            raise AuthorizerFailure from error


class UserPoolCheck:
    """Accepts valid tokens of Cognito user pools."""

    def __init__(self, header: str | None, verifier: "TokenVerifier") -> None:
        self._header = canonical(header or "Authorization")
        self._verifier = verifier

    def authorize(self, request: AccessRequest) -> dict[str, Any]:
        return {"claims": self._verifier.verify(_token(request, self._header))}


class DenyAll:
    """Refuses every request."""

    def __init__(self, reason: str, error: type[GatewayError]) -> None:
        self.reason = reason
        self._error = error

    def authorize(self, request: AccessRequest) -> dict[str, Any] | None:
        raise self._error


class SignatureCheck(DenyAll):
    """Refuses every request, except on Lambda those whose IAM signature AWS has verified."""

    def authorize(self, request: AccessRequest) -> dict[str, Any] | None:
        return None if request.is_signed else super().authorize(request)


class AccessChecks:
    """The access checks of an app's authorizers. Built once, used by all threads.

    Args:
        app: the app, with all its routes.
        cognito_jwks: the setting COGNITO_JWKS; empty: tokens of user pools are refused.
        clock: monotonic seconds.
    """

    def __init__(self, app: Chalice, cognito_jwks: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._cognito_jwks = cognito_jwks
        self._clock = clock
        self._function_checks: dict[Hashable, FunctionCheck] = {}
        self._pools: UserPools | None = None
        self._authorizers = [entry.authorizer for entry in _entries(app) if entry.authorizer is not None]
        self._by_id = {id(authorizer): self._make(authorizer) for authorizer in self._authorizers}

    def of(self, authorizer: object) -> AccessCheck:
        """Return the check of an authorizer; one that the app did not have when this was built is refused."""
        return self._by_id.get(id(authorizer)) or DenyAll("the authorizer came late", AccessDenied)

    def _make(self, authorizer: object) -> AccessCheck:
        if isinstance(authorizer, ChaliceAuthorizer):
            return self._function_check(authorizer)
        if isinstance(authorizer, CognitoUserPoolAuthorizer):
            return self._user_pool_check(authorizer)
        if isinstance(authorizer, IAMAuthorizer):
            return SignatureCheck("IAM signatures cannot be checked here", MissingSignature)
        return DenyAll("external authorizers cannot be called from here", AccessDenied)

    def _function_check(self, authorizer: ChaliceAuthorizer) -> AccessCheck:
        """Return the check of an authorizer function. The copies that `with_scopes` makes share one, and its cache."""
        config = _config_of(authorizer, self._app)
        if config is None:
            return DenyAll("their authorizer was never registered", AccessDenied)
        key = (authorizer.name, id(authorizer.func), config.header, config.ttl_seconds)
        if key not in self._function_checks:
            self._function_checks[key] = FunctionCheck(authorizer, config, self._clock)
        return self._function_checks[key]

    def _user_pool_check(self, authorizer: CognitoUserPoolAuthorizer) -> AccessCheck:
        if not self._cognito_jwks:
            return DenyAll("COGNITO_JWKS is not set", Unauthorized)
        from fargate.auth.cognito import UserPools  # needs PyJWT, which is optional

        self._pools = self._pools or UserPools(self._cognito_jwks, self._clock)
        try:
            verifier = self._pools.verifier(authorizer._provider_arns, authorizer.scopes)
        except ValueError as error:
            return DenyAll(str(error), Unauthorized)
        return UserPoolCheck(authorizer._header, verifier)


class Closed(NamedTuple):
    """Routes whose authorizer cannot be asked here, so that every request to them is refused."""

    reason: str
    routes: tuple[str, ...]  # such as `GET /private`; sorted

    def __str__(self) -> str:
        return f"Closed, since {self.reason}: {', '.join(self.routes)}"


def closed_routes(app: Chalice, cognito_jwks: str) -> list[Closed]:
    """Return the routes that are closed, by the reason."""
    checks = AccessChecks(app, cognito_jwks)
    closed: dict[str, list[str]] = {}
    for entry in _entries(app):
        check = checks.of(entry.authorizer) if entry.authorizer is not None else None
        if isinstance(check, DenyAll):
            closed.setdefault(check.reason, []).append(f"{entry.method} {entry.uri_pattern}")
    return [Closed(reason, tuple(sorted(routes))) for reason, routes in sorted(closed.items())]


def method_arn(stage_arn: str, method: str, pattern: str, path: str) -> str:
    """Return the ARN of the method that a request calls: `{stage_arn}/{method}/{path}`.

    The path has no slash at its ends. Parameters are written as they were sent. Static segments are written as in the
    route, so that other spellings of it (`/%61dmin`, `//admin/`) have the same ARN. `*` and `?` are encoded, so that a
    client cannot put a wildcard into the policy of an authorizer that copies this ARN.

    Args:
        stage_arn: `arn:aws:execute-api:{region}:{account}:{api id}/{stage}`.
        method: the HTTP method.
        pattern: the route's pattern.
        path: the request's path, percent-encoded, without the base path.

    Raises:
        UriTooLong: the ARN is longer than API Gateway's limit of 1600 bytes.
    """
    escaped = "/".join(_segments(pattern, path)).replace("*", "%2A").replace("?", "%3F")
    arn = f"{stage_arn}/{method}/{escaped}"
    if len(arn) > MAX_ARN_BYTES:
        raise UriTooLong
    return arn


def is_spelled_out(pattern: str, path: str) -> bool:
    """Tell whether a path is spelled as its route: `/%61dmin` and `/admin/` are not, though both match `/admin`.

    Args:
        pattern: the route's pattern.
        path: the request's path, percent-encoded, without the base path.
    """
    return path == "/" + "/".join(_segments(pattern, path))


def _segments(pattern: str, path: str) -> Iterable[str]:
    sent = path.strip("/").split("/")
    for position, segment in enumerate(pattern.strip("/").split("/")):
        if segment.startswith("{") and segment.endswith("+}"):
            yield from sent[position:]
        else:
            yield sent[position] if segment.startswith("{") and segment.endswith("}") else segment


def _token(request: AccessRequest, header: str) -> str:
    """Return the token in a request's header.

    Raises:
        Unauthorized: there is none.
    """
    token = (last_value(request.headers, header) or "").strip()
    if not token:
        raise Unauthorized
    return token


def _entries(app: Chalice) -> Iterable[RouteEntry]:
    return (entry for methods in app.routes.values() for entry in methods.values())


def _config_of(authorizer: ChaliceAuthorizer, app: Chalice) -> BuiltinAuthConfig | None:
    """Return an authorizer's settings.

    A copy that `with_scopes` made before its blueprint was registered has none; the registered original has them.
    """
    if authorizer.config is not None:
        return authorizer.config
    for handler in app.handler_map.values():
        if isinstance(handler, ChaliceAuthorizer) and handler.func is authorizer.func:
            return handler.config
    return None
