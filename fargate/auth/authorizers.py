"""Ask the authorizer that a route names, before the app hears of the request.

A route with an authorizer is verified or closed, never open. What cannot be verified here (IAM signatures, external
Lambda functions, user pools that are not configured) is refused, and the start says which routes that closes.

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

from fargate.auth.grants import GrantCache, read_grant
from fargate.auth.policy import Verdict
from fargate.errors import AccessDenied, AuthorizerFailure, GatewayError, MissingSignature, Unauthorized, UriTooLong
from fargate.http.messages import Header, canonical, last_value

if TYPE_CHECKING:
    from fargate.auth.cognito import TokenVerifier, UserPools

logger = logging.getLogger("fargate")

MAX_ARN_BYTES = 1600


class Call(NamedTuple):
    """A request that asks to pass."""

    headers: Sequence[Header]
    method_arn: str
    context: Any  # the request's Lambda context


class Authorizer(Protocol):
    """Decides who passes one authorizer."""

    def admit(self, call: Call) -> dict[str, Any]:
        """Return what the view sees as `requestContext.authorizer`, a dict of its own for each request.

        Raises:
            GatewayError: the request does not pass.
        """


class BuiltinAuthorizer:
    """Asks a function of the app, and remembers its answers for the authorizer's `ttl_seconds`.

    The policy that a token got is applied to every method and path it is used for meanwhile. Failures are not
    remembered. First requests that come at the same moment may each ask.
    """

    def __init__(self, authorizer: ChaliceAuthorizer, config: BuiltinAuthConfig, clock: Callable[[], float]) -> None:
        self._authorizer = authorizer
        self._header = canonical(config.header or "Authorization")
        self._clock = clock
        self._grants = GrantCache(config.ttl_seconds, clock)

    def admit(self, call: Call) -> dict[str, Any]:
        """Let the request pass if the policy of its token allows its method."""
        token = _token(call, self._header)
        grant = self._grants.get(token)
        if grant is None:
            asked = self._clock()
            grant = self._ask(token, call)
            self._grants.put(token, grant, asked)
        verdict = grant.policy.judge(call.method_arn)
        if verdict is Verdict.DENIED_EXPLICITLY:
            raise AccessDenied(f"{AccessDenied.message} with an explicit deny")
        if verdict is not Verdict.ALLOWED:
            raise AccessDenied
        return dict(grant.context)

    def _ask(self, token: str, call: Call) -> Any:
        event = {"type": "TOKEN", "authorizationToken": token, "methodArn": call.method_arn}
        try:
            return read_grant(self._authorizer(event, call.context))
        except BaseException as error:  # the outermost boundary of the app's function
            if str(error) == "Unauthorized":
                raise Unauthorized from error
            logger.exception("The authorizer %s failed", self._authorizer.name)
            raise AuthorizerFailure from error


class CognitoAuthorizer:
    """Lets the tokens of user pools pass."""

    def __init__(self, header: str | None, verifier: "TokenVerifier") -> None:
        self._header = canonical(header or "Authorization")
        self._verifier = verifier

    def admit(self, call: Call) -> dict[str, Any]:
        """Let the request pass if it brings a valid token."""
        return {"claims": self._verifier.verify(_token(call, self._header))}


class DenyAll:
    """Lets nobody pass."""

    def __init__(self, why: str, refusal: type[GatewayError]) -> None:
        self.why = why
        self._refusal = refusal

    def admit(self, call: Call) -> dict[str, Any]:
        """Refuse."""
        raise self._refusal


class Authorizers:
    """The checks of an app's authorizers; built once, used by all threads.

    Args:
        app: the app, with all its routes.
        cognito_jwks: where the keys of user pools are, as the setting says; empty: none is trusted.
        clock: seconds on a clock that never goes back.
    """

    def __init__(self, app: Chalice, cognito_jwks: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._cognito_jwks = cognito_jwks
        self._clock = clock
        self._builtin: dict[Hashable, BuiltinAuthorizer] = {}
        self._pools: UserPools | None = None
        self._authorizers = [entry.authorizer for entry in _entries(app) if entry.authorizer is not None]
        self._by_id = {id(authorizer): self._made(authorizer) for authorizer in self._authorizers}

    def of(self, authorizer: object) -> Authorizer:
        """Return the authorizer of a route's authorizer; it has to be one that the app had when this was built."""
        return self._by_id.get(id(authorizer)) or DenyAll("the authorizer came late", AccessDenied)

    def _made(self, authorizer: object) -> Authorizer:
        if isinstance(authorizer, ChaliceAuthorizer):
            return self._builtin_authorizer(authorizer)
        if isinstance(authorizer, CognitoUserPoolAuthorizer):
            return self._cognito_authorizer(authorizer)
        if isinstance(authorizer, IAMAuthorizer):
            return DenyAll("IAM signatures cannot be checked here", MissingSignature)
        return DenyAll("external authorizers cannot be asked from here", AccessDenied)

    def _builtin_authorizer(self, authorizer: ChaliceAuthorizer) -> Authorizer:
        """Return the authorizer of an authorizer function; the copies that `with_scopes` makes of it share one."""
        config = _config_of(authorizer, self._app)
        if config is None:
            return DenyAll("their authorizer was never registered", AccessDenied)
        key = (authorizer.name, id(authorizer.func), config.header, config.ttl_seconds)
        if key not in self._builtin:
            self._builtin[key] = BuiltinAuthorizer(authorizer, config, self._clock)
        return self._builtin[key]

    def _cognito_authorizer(self, authorizer: CognitoUserPoolAuthorizer) -> Authorizer:
        if not self._cognito_jwks:
            return DenyAll("COGNITO_JWKS is not set", Unauthorized)
        from fargate.auth.cognito import UserPools  # PyJWT is only there where user pools are

        self._pools = self._pools or UserPools(self._cognito_jwks, self._clock)
        try:
            verifier = self._pools.verifier(authorizer._provider_arns, authorizer.scopes)
        except ValueError as fault:
            return DenyAll(str(fault), Unauthorized)
        return CognitoAuthorizer(authorizer._header, verifier)


def closed_routes(app: Chalice, cognito_jwks: str) -> list[str]:
    """Say which routes nobody can call since their authorizer cannot be verified here: a sentence for each reason."""
    authorizers = Authorizers(app, cognito_jwks)
    closed: dict[str, list[str]] = {}
    for entry in _entries(app):
        authorizer = authorizers.of(entry.authorizer) if entry.authorizer is not None else None
        if isinstance(authorizer, DenyAll):
            closed.setdefault(authorizer.why, []).append(f"{entry.method} {entry.uri_pattern}")
    return [f"Closed, since {why}: {', '.join(sorted(routes))}" for why, routes in sorted(closed.items())]


def method_arn(stage_arn: str, method: str, pattern: str, path: str) -> str:
    """Name the method that a request calls: `{stage_arn}/{method}/{path}`, the path without its slashes at the ends.

    Parameters stand in it as they were sent. The rest is written as the route has it, so that another spelling which
    reaches the same route (`/%61dmin`, `//admin/`) has the same name in a policy; and `*` and `?` are encoded, so that
    no client puts a wildcard into the policy of an authorizer that copies this name.

    Args:
        stage_arn: `arn:aws:execute-api:{region}:{account}:{api id}/{stage}`.
        method: the HTTP method.
        pattern: the route's.
        path: the request's, percent-encoded, without the base path.

    Raises:
        UriTooLong: the name is longer than API Gateway's limit of 1600 bytes.
    """
    named = "/".join(_segments(pattern, path)).replace("*", "%2A").replace("?", "%3F")
    arn = f"{stage_arn}/{method}/{named}"
    if len(arn) > MAX_ARN_BYTES:
        raise UriTooLong
    return arn


def _segments(pattern: str, path: str) -> Iterable[str]:
    sent = path.strip("/").split("/")
    for position, segment in enumerate(pattern.strip("/").split("/")):
        if segment.startswith("{") and segment.endswith("+}"):
            yield from sent[position:]
        else:
            yield sent[position] if segment.startswith("{") and segment.endswith("}") else segment


def _token(call: Call, header: str) -> str:
    """Return the token that a request brings.

    Raises:
        Unauthorized: it brings none.
    """
    token = (last_value(call.headers, header) or "").strip()
    if not token:
        raise Unauthorized
    return token


def _entries(app: Chalice) -> Iterable[RouteEntry]:
    return (entry for methods in app.routes.values() for entry in methods.values())


def _config_of(authorizer: ChaliceAuthorizer, app: Chalice) -> BuiltinAuthConfig | None:
    """Return an authorizer's settings; a copy that a blueprint made before it was registered has to borrow them."""
    if authorizer.config is not None:
        return authorizer.config
    for handler in app.handler_map.values():
        if isinstance(handler, ChaliceAuthorizer) and handler.func is authorizer.func:
            return handler.config
    return None
