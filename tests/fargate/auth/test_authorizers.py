"""Routes with an authorizer: who may call them, what the view sees, and what is cached."""

import json
import logging
import math
import random
import re
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from chalice import (
    AuthResponse,
    AuthRoute,
    Chalice,
    CognitoUserPoolAuthorizer,
    CORSConfig,
    CustomAuthorizer,
    IAMAuthorizer,
    UnauthorizedError,
)
from chalice.app import Authorizer, AuthRequest, Blueprint

from fargate.auth.api_keys import ApiKeys
from fargate.auth.authorizers import closed_routes, method_arn
from fargate.auth.grants import MAX_GRANTS, GrantCache, read_grant
from fargate.gateway.core import Gateway
from fargate.http.messages import HttpRequest
from fargate.settings import Settings
from fargate.wsgi import create_wsgi_app
from tests.fixtures.clock import Clock
from tests.fixtures.wsgi import Answer, call

STAGE = "arn:aws:execute-api:eu-west-1:000000000000:container/api"

UNAUTHORIZED = (401, b'{"message":"Unauthorized"}', "UnauthorizedException")
DENIED = (403, b'{"Message":"User is not authorized to access this resource"}', "AccessDeniedException")
DENIED_EXPLICITLY = (
    403,
    b'{"Message":"User is not authorized to access this resource with an explicit deny"}',
    "AccessDeniedException",
)
BROKEN = (500, b'{"message":null}', "AuthorizerConfigurationException")


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")


def refusal(response: Answer) -> tuple[int, bytes, str | None]:
    """Return the parts of a response that tell the gateway's errors apart."""
    return response.status, response.body, response.header("x-amzn-ErrorType")


def policy(*statements: dict[str, Any], **elements: Any) -> dict[str, Any]:
    """Return what an authorizer function returns that builds its policy itself."""
    return {
        "principalId": "user",
        "policyDocument": {"Version": "2012-10-17", "Statement": list(statements)},
        **elements,
    }


def allow(*resources: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": list(resources)}


def deny(*resources: str) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": list(resources)}


class ProtectedApp:
    """An app whose routes have one authorizer function, and the calls of that function."""

    def __init__(self, result: Callable[[AuthRequest], Any], settings: Settings | None = None, **options: Any) -> None:
        self.app = Chalice("protected")
        self.calls: list[AuthRequest] = []
        self.settings = settings or Settings()

        @self.app.authorizer(**options)
        def authorizer(request: AuthRequest) -> Any:
            self.calls.append(request)
            return result(request)

        self.authorizer = authorizer
        for path in ("/", "/home", "/users/{name}", "/files/{proxy+}", "/users/{name}/orders/{order}"):
            self.app.route(path, methods=["GET", "POST"], authorizer=authorizer, name=path)(self._view)
        self._wsgi: Any = None

    def _view(self, **_: str) -> Any:
        return self.app.current_request.context["authorizer"]  # type: ignore[union-attr]

    def get(self, path: str, token: str | None = "token", method: str = "GET", **environ: Any) -> Answer:
        self._wsgi = self._wsgi or create_wsgi_app(self.app, self.settings)
        header = {} if token is None else {"HTTP_AUTHORIZATION": token}
        return call(self._wsgi, method, path, **header, **environ)


def everyone(request: AuthRequest) -> AuthResponse:
    return AuthResponse(routes=["*"], principal_id=request.token)


# Who may call a route.


def test_a_token_that_the_policy_allows_is_accepted() -> None:
    protected = ProtectedApp(everyone)
    response = protected.get("/home", "alice")
    assert (response.status, json.loads(response.body)) == (200, {"principalId": "alice"})
    [call_] = protected.calls
    assert (call_.auth_type, call_.token, call_.method_arn) == ("TOKEN", "alice", f"{STAGE}/GET/home")


def named(value: object) -> str:
    """Return a test id that is the same in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


@pytest.mark.parametrize("token", [None, "", "   "])
def test_without_a_token_the_authorizer_is_not_called(token: str | None) -> None:
    protected = ProtectedApp(everyone)
    assert refusal(protected.get("/home", token)) == UNAUTHORIZED
    assert not protected.calls


@pytest.mark.parametrize("header", ["X-Token", "x-token", "X-TOKEN"])
def test_the_token_is_read_from_the_authorizers_header(header: str) -> None:
    protected = ProtectedApp(everyone, header=header)
    assert refusal(protected.get("/home", "alice")) == UNAUTHORIZED
    assert json.loads(protected.get("/home", None, HTTP_X_TOKEN="bob").body) == {"principalId": "bob"}


def test_header_none_means_the_default() -> None:
    assert ProtectedApp(everyone, header=None).get("/home", "alice").status == 200


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (policy(allow(f"{STAGE}/GET/home")), None),
        (policy(allow("*")), None),
        (policy(allow(f"{STAGE}/POST/home")), DENIED),
        (policy(), DENIED),
        (policy(allow("*"), deny(f"{STAGE}/*/home")), DENIED_EXPLICITLY),
        (policy(allow("*"), deny(f"{STAGE}/*/users/*")), None),
        (policy({**allow("*"), "Condition": {"Bool": {"aws:SecureTransport": "false"}}}), DENIED),
        (AuthResponse(routes=[], principal_id="user"), DENIED),
        (AuthResponse(routes=["/home"], principal_id="user"), None),
        (AuthResponse(routes=["/other"], principal_id="user"), DENIED),
        (AuthResponse(routes=[AuthRoute("/home", ["GET"])], principal_id="user"), None),
        (AuthResponse(routes=[AuthRoute("/home", ["POST"])], principal_id="user"), DENIED),
        (AuthResponse(routes=[AuthRoute("/ho*", ["POST", "GET"])], principal_id="user"), None),
    ],
)
def test_the_policy_decides(result: Any, expected: tuple[int, bytes, str] | None) -> None:
    given = ProtectedApp(lambda request: result).get("/home")
    assert given.status == 200 if expected is None else refusal(given) == expected


@pytest.mark.parametrize(
    "result",
    [
        None,
        "Allow",
        True,
        {},
        {"principalId": "user"},
        {"policyDocument": policy(allow("*"))["policyDocument"]},
        policy(allow("*"), principalId=None),
        policy(allow("*"), principalId={"id": 1}),
        policy(allow("*"), policyDocument=None),
        policy(allow("*"), policyDocument=json.dumps({"Statement": [allow("*")]})),
        policy({"Effect": "Permit", "Action": "*", "Resource": "*"}),
        policy(allow("*"), context="admin"),
        policy(allow("*"), context=["admin"]),
        policy(allow("*"), context={"nested": {"is": "not"}}),
        policy(allow("*"), context={"list": []}),
        policy(allow("*"), context={"not": math.nan}),
        policy(allow("*"), context={"not": math.inf}),
        policy(allow("*"), context={"not JSON": object()}),
        policy(allow("*"), context={"not JSON": b"bytes"}),
        policy(allow("*"), context={("not", "JSON"): 1}),
        AuthResponse(routes=["*"], principal_id="user", context={"nested": {}}),  # type: ignore[dict-item]
    ],
    ids=named,
)
def test_an_invalid_result_gets_500(result: Any) -> None:
    protected = ProtectedApp(lambda request: result)
    assert refusal(protected.get("/home")) == BROKEN
    assert refusal(protected.get("/home")) == BROKEN
    assert len(protected.calls) == 2, "an error was cached"


def test_a_circular_result_gets_500() -> None:
    circle = policy(allow("*"))
    circle["context"] = circle
    assert refusal(ProtectedApp(lambda request: circle).get("/home")) == BROKEN


class Unprintable(Exception):
    """Its text cannot be made."""

    def __str__(self) -> str:
        raise AttributeError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Exception("Unauthorized"), UNAUTHORIZED),
        (UnauthorizedError("Unauthorized"), UNAUTHORIZED),
        (ValueError("Unauthorized"), UNAUTHORIZED),
        (Exception("unauthorized"), BROKEN),
        (Exception("Unauthorized: expired"), BROKEN),
        (UnauthorizedError("expired"), BROKEN),
        (Exception(), BROKEN),
        (KeyError("user"), BROKEN),
        (SystemExit(1), BROKEN),
        (RecursionError(), BROKEN),
        (Unprintable(), BROKEN),
    ],
    ids=named,
)
def test_an_authorizer_that_raises_lets_no_request_pass(error: BaseException, expected: tuple[int, bytes, str]) -> None:
    def fail(request: AuthRequest) -> Any:
        raise error

    protected = ProtectedApp(fail)
    assert refusal(protected.get("/home")) == expected
    assert refusal(protected.get("/home")) == expected
    assert len(protected.calls) == 2, "an error was cached"


def test_an_error_is_logged_with_its_traceback_but_without_the_token(caplog: pytest.LogCaptureFixture) -> None:
    token = "".join(["s3", "cret"])  # in two parts: the traceback shows this line
    ProtectedApp(lambda request: 1 // 0).get("/home", token)
    assert "The authorizer authorizer failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert token not in caplog.text


def test_the_authorizer_comes_before_the_api_key() -> None:
    protected = ProtectedApp(everyone, Settings(api_keys=ApiKeys(["key"])))
    protected.app.route("/both", authorizer=protected.authorizer, api_key_required=True)(lambda: {})
    assert refusal(protected.get("/both", None)) == UNAUTHORIZED
    assert refusal(protected.get("/both", None, HTTP_X_API_KEY="key")) == UNAUTHORIZED
    assert protected.get("/both", "alice").body == b'{"message":"Forbidden"}'
    assert protected.get("/both", "alice", HTTP_X_API_KEY="key").status == 200


def test_another_method_or_path_is_refused_without_a_call() -> None:
    protected = ProtectedApp(everyone)
    assert protected.get("/home", method="DELETE").status == 405
    assert protected.get("/nowhere").status == 404
    assert not protected.calls


def test_refusals_have_the_routes_cors_headers() -> None:
    protected = ProtectedApp(lambda request: policy())
    cors = CORSConfig(allow_origin="https://shop.example")
    protected.app.route("/cors", authorizer=protected.authorizer, cors=cors)(lambda: {})
    for token in (None, "alice"):
        response = protected.get("/cors", token)
        assert response.status in (401, 403)
        assert response.header("Access-Control-Allow-Origin") == "https://shop.example"
    assert protected.get("/cors", None, method="OPTIONS").status == 200
    assert len(protected.calls) == 1


# The method ARN.


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", ""),
        ("/home", "home"),
        ("/home?q=/other", "home"),
        ("/home/", "home"),
        ("//home", "home"),
        ("/%68ome", "home"),
        ("/users/a%2Fb", "users/a%2Fb"),
        ("/users/a b", "users/a b"),
        ("/users/{name}", "users/{name}"),
        ("/users/2021-08-01T10:00:00Z", "users/2021-08-01T10:00:00Z"),
        ("/u%73ers/1/orders/2", "users/1/orders/2"),
        ("/files/a//b/", "files/a//b"),
        ("/files/a/..%2fb", "files/a/..%2fb"),
        ("/users/*", "users/%2A"),
        ("/files/*/*", "files/%2A/%2A"),
    ],
)
def test_the_method_arn_names_the_route_and_the_parameters_as_sent(path: str, name: str) -> None:
    protected = ProtectedApp(everyone)
    assert protected.get(path).status == 200
    assert [each.method_arn for each in protected.calls] == [f"{STAGE}/GET/{name}"]


def test_the_method_arn_agrees_with_the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-2")
    protected = ProtectedApp(everyone, Settings(base_path="/v1"))
    protected.app.route("/context", authorizer=protected.authorizer)(lambda: protected.app.current_request.context)  # type: ignore[union-attr]
    context = json.loads(protected.get("/v1/context").body)
    [call_] = protected.calls
    assert call_.method_arn == (
        f"arn:aws:execute-api:us-east-2:{context['accountId']}:{context['apiId']}/{context['stage']}/GET/context"
    )
    assert context["path"] == "/v1/context"


@pytest.mark.parametrize("path", ["/admin", "/admin/", "//admin", "/%61dmin", "/%61%64min//"])
def test_no_spelling_of_a_path_bypasses_a_deny(path: str) -> None:
    protected = ProtectedApp(lambda request: policy(allow("*"), deny(f"{STAGE}/GET/admin")))
    protected.app.route("/admin", authorizer=protected.authorizer)(lambda: {})
    assert refusal(protected.get(path)) == DENIED_EXPLICITLY


@pytest.mark.parametrize("wildcard", ["/users/*", "/users/%2A", "/users/%3F"])
def test_a_client_cannot_put_a_wildcard_into_a_policy(wildcard: str) -> None:
    """An authorizer that allows the ARN it was called with must not allow others."""
    protected = ProtectedApp(lambda request: policy(allow(request.method_arn)))
    assert protected.get(wildcard).status == 200
    assert refusal(protected.get("/users/b")) == DENIED


def test_a_question_mark_in_a_path_is_encoded() -> None:
    assert method_arn(STAGE, "GET", "/users/{name}", "/users/?*") == f"{STAGE}/GET/users/%3F%2A"


def test_a_path_too_long_for_a_policy_is_refused() -> None:
    protected = ProtectedApp(everyone)
    room = 1600 - len(f"{STAGE}/GET/users/")
    assert protected.get("/users/" + "a" * room).status == 200
    response = protected.get("/users/" + "a" * (room + 1))
    assert (response.status, response.body) == (414, b'{"message":"Request URI too long"}')


# What the view sees.


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("text", "text"),
        ("", ""),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (-1, "-1"),
        (1.5, "1.5"),
        (10**30, "1" + "0" * 30),
        (None, None),
        ("naïve ☃", "naïve ☃"),
    ],
)
def test_the_context_reaches_the_view_as_text(value: Any, text: str | None) -> None:
    protected = ProtectedApp(
        lambda request: policy(allow("*"), context={"value": value, "principalId": "someone else"})
    )
    assert json.loads(protected.get("/home").body) == {"value": text, "principalId": "user"}


def test_a_result_is_read_by_way_of_json() -> None:
    statement = {**allow(), "Resource": ("*",)}
    result = {**policy(context={1: "one"}), "policyDocument": {"Statement": (statement,)}}
    assert json.loads(ProtectedApp(lambda request: result).get("/home").body) == {"1": "one", "principalId": "user"}


@pytest.mark.parametrize("context", [None, {}])
def test_without_a_context_the_view_sees_the_principal(context: Any) -> None:
    assert json.loads(ProtectedApp(lambda request: policy(allow("*"), context=context)).get("/home").body) == {
        "principalId": "user"
    }


def test_a_principal_that_is_a_number_becomes_text() -> None:
    assert json.loads(ProtectedApp(lambda request: policy(allow("*"), principalId=7)).get("/home").body) == {
        "principalId": "7"
    }


def test_without_an_authorizer_the_view_sees_none() -> None:
    app = Chalice("open")
    app.route("/")(lambda: "authorizer" in app.current_request.context)  # type: ignore[union-attr]
    assert call(create_wsgi_app(app, Settings()), "GET", "/", HTTP_AUTHORIZATION="x").body == b"false"


def test_a_view_cannot_change_a_cached_grant() -> None:
    protected = ProtectedApp(everyone)

    @protected.app.route("/spoil", authorizer=protected.authorizer)
    def spoil() -> Any:
        seen = protected.app.current_request.context["authorizer"]  # type: ignore[union-attr]
        seen["principalId"] = "admin"
        seen["more"] = "yes"
        return seen

    for _ in range(2):
        assert json.loads(protected.get("/spoil", "alice").body) == {"principalId": "admin", "more": "yes"}
        assert json.loads(protected.get("/home", "alice").body) == {"principalId": "alice"}
    assert len(protected.calls) == 1


def test_an_authorizer_cannot_change_a_cached_grant() -> None:
    result = policy(allow("*"), context={"role": "reader"})
    protected = ProtectedApp(lambda request: result)
    assert json.loads(protected.get("/home").body)["role"] == "reader"
    result["context"]["role"] = "admin"
    result["policyDocument"]["Statement"].clear()
    assert json.loads(protected.get("/home").body)["role"] == "reader"


def test_an_authorizer_sees_no_current_request() -> None:
    seen: list[Any] = []
    protected: ProtectedApp

    def look(request: AuthRequest) -> Any:
        seen.append(getattr(protected.app, "current_request", None))
        return everyone(request)

    protected = ProtectedApp(look, ttl_seconds=0)
    assert protected.get("/home").status == protected.get("/home").status == 200
    assert seen == [None, None]


def test_the_function_gets_lambdas_event_and_context(monkeypatch: pytest.MonkeyPatch) -> None:
    protected = ProtectedApp(everyone)
    given: list[tuple[Any, Any]] = []
    original = type(protected.authorizer).__call__

    def spy(self: Any, event: Any, context: Any) -> Any:
        given.append((event, context))
        return original(self, event, context)

    monkeypatch.setattr(type(protected.authorizer), "__call__", spy)
    response = protected.get("/home", "alice")
    [(event, context)] = given
    assert event == {"type": "TOKEN", "authorizationToken": "alice", "methodArn": f"{STAGE}/GET/home"}
    assert context.aws_request_id == response.header("x-amzn-RequestId")
    assert 0 < context.get_remaining_time_in_millis() <= 29_000


# What is cached.


def ask(gateway: Gateway, path: str = "/home", token: str = "alice") -> int:
    request = HttpRequest("GET", path, "", [("Authorization", token)], b"", "127.0.0.1", "HTTP/1.1", 3000)
    return gateway.handle(request).status


@pytest.mark.parametrize(
    ("ttl", "holds"),
    [(None, 300), (1, 1), (300, 300), (3600, 3600), (3601, 3600), (10**9, 3600), (0, 0), (-1, 0)],
)
def test_a_grant_is_cached_for_the_authorizers_time_to_live(ttl: int | None, holds: int) -> None:
    clock, protected = Clock(), ProtectedApp(everyone, ttl_seconds=ttl)
    gateway = Gateway(protected.app, Settings(), monotonic=clock)
    ask(gateway)
    clock.now += max(holds - 0.001, 0)
    ask(gateway)
    assert len(protected.calls) == (1 if holds else 2)
    clock.now += 0.001
    ask(gateway)
    assert len(protected.calls) == (2 if holds else 3)


def test_the_time_to_live_begins_with_the_call() -> None:
    clock = Clock()

    def slowly(request: AuthRequest) -> AuthResponse:
        clock.now += 5
        return everyone(request)

    protected = ProtectedApp(slowly, ttl_seconds=10)
    gateway = Gateway(protected.app, Settings(), monotonic=clock)
    ask(gateway)
    clock.now += 5
    ask(gateway)
    assert len(protected.calls) == 2


def test_a_cached_policy_decides_every_path() -> None:
    protected = ProtectedApp(
        lambda request: AuthResponse(routes=["/home", AuthRoute("/users/*", ["GET"])], principal_id="user")
    )
    assert protected.get("/home").status == 200
    assert protected.get("/users/1").status == 200
    assert refusal(protected.get("/users/1", method="POST")) == DENIED
    assert refusal(protected.get("/files/1")) == DENIED
    assert protected.get("/home", method="POST").status == 200
    assert len(protected.calls) == 1


def test_a_refusal_by_policy_is_cached_too() -> None:
    protected = ProtectedApp(lambda request: policy())
    assert refusal(protected.get("/home")) == refusal(protected.get("/home")) == DENIED
    assert len(protected.calls) == 1


def test_every_token_has_a_grant_of_its_own() -> None:
    protected = ProtectedApp(everyone)
    for token in ("alice", "bob", "alice", "Alice", "bob"):
        assert json.loads(protected.get("/home", token).body) == {"principalId": token}
    assert [each.token for each in protected.calls] == ["alice", "bob", "Alice"]


def two_authorizers() -> tuple[Chalice, list[str]]:
    app, called = Chalice("two"), []

    def authorizer(name: str) -> Any:
        def authorizer(request: AuthRequest) -> AuthResponse:
            called.append(name)
            return AuthResponse(routes=["*"], principal_id=f"{name}:{request.token}")

        return app.authorizer(name=name)(authorizer)

    for name in ("one", "two"):
        app.route(f"/{name}", name=name, authorizer=authorizer(name))(
            lambda: app.current_request.context["authorizer"]["principalId"]  # type: ignore[union-attr]
        )
    return app, called


def test_two_authorizers_never_share_a_grant() -> None:
    app, called = two_authorizers()
    wsgi_app = create_wsgi_app(app, Settings())
    for name in ("one", "two", "one", "two"):
        assert call(wsgi_app, "GET", f"/{name}", HTTP_AUTHORIZATION="token").body.decode() == f"{name}:token"
    assert called == ["one", "two"]


def test_one_function_under_two_names_is_two_authorizers() -> None:
    app, called = Chalice("twice"), []

    def authorizer(request: AuthRequest) -> AuthResponse:
        called.append(request.token)
        return everyone(request)

    for name in ("one", "two"):
        app.route(f"/{name}", name=name, authorizer=app.authorizer(name=name)(authorizer))(lambda: {})
    wsgi_app = create_wsgi_app(app, Settings())
    for name in ("one", "two", "one"):
        assert call(wsgi_app, "GET", f"/{name}", HTTP_AUTHORIZATION="token").status == 200
    assert len(called) == 2


def test_the_least_recently_used_grant_is_evicted_first() -> None:
    cache = GrantCache(300, Clock(), size=2)
    grant = read_grant(policy(allow("*")))
    cache.put("a", grant, 1000)
    cache.put("b", grant, 1000)
    assert cache.get("a")
    cache.put("c", grant, 1000)
    assert [bool(cache.get(token)) for token in "abc"] == [True, False, True]


def test_the_cache_is_bounded() -> None:
    cache = GrantCache(300, Clock())
    grant = read_grant(policy(allow("*")))
    for number in range(MAX_GRANTS + 100):
        cache.put(str(number), grant, 1000)
    assert len(cache._grants) == MAX_GRANTS


def test_no_token_is_kept_in_memory() -> None:
    cache = GrantCache(300, Clock())
    cache.put("s3cret", read_grant(policy(allow("*"))), 1000)
    assert "s3cret" not in repr(cache._grants)


def test_many_threads_two_tokens_and_two_authorizers_never_mix() -> None:
    """Grants are added and expire meanwhile; no response has another's principal."""
    app, called = two_authorizers()
    clock = Clock()
    gateway = Gateway(app, Settings(), monotonic=clock)
    wrong: list[str] = []
    start = threading.Barrier(32)

    def client(seed: int) -> None:
        choose = random.Random(seed)
        start.wait()
        for _ in range(200):
            name, token = choose.choice(["one", "two"]), choose.choice(["alice", "bob"])
            if choose.random() < 0.05:
                clock.now += 100
            request = HttpRequest("GET", f"/{name}", "", [("Authorization", token)], b"", "127.0.0.1", "HTTP/1.1", 3000)
            body = gateway.handle(request).body.decode()
            if body != f"{name}:{token}":
                wrong.append(f"{body} for {name}:{token}")

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(32) as pool:
            list(pool.map(client, range(32)))
    finally:
        sys.setswitchinterval(before)
    assert not wrong
    assert 4 <= len(called) < 32 * 200, "nothing was cached, so nothing was tested"


def test_a_slow_authorizer_does_not_delay_cached_grants() -> None:
    gate = threading.Event()

    def slowly(request: AuthRequest) -> AuthResponse:
        if request.token == "slow":
            gate.wait(60)
        return everyone(request)

    protected = ProtectedApp(slowly)
    protected.get("/home", "alice")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(protected.get, "/home", "slow")
        assert protected.get("/home", "alice").status == 200
        assert not waiting.done()
        gate.set()
        assert waiting.result().status == 200


# Where authorizers come from, and which are closed.


def test_an_authorizer_on_a_blueprint_protects_its_routes() -> None:
    app, blueprint = Chalice("gatehouse"), Blueprint("blueprint")
    blueprint._import_name = "blueprint"

    @blueprint.authorizer(header="X-Token", ttl_seconds=0)
    def authorizer(request: AuthRequest) -> AuthResponse:
        return AuthResponse(routes=["/blue/*"], principal_id=request.token)

    @blueprint.route("/home", authorizer=authorizer)
    def home() -> Any:
        return blueprint.current_request.context["authorizer"]

    @blueprint.route("/scoped", authorizer=authorizer.with_scopes(["read"]))
    def scoped() -> Any:
        return blueprint.current_request.context["authorizer"]

    app.register_blueprint(blueprint, name_prefix="blue_", url_prefix="/blue")
    wsgi_app = create_wsgi_app(app, Settings())
    for path in ("/blue/home", "/blue/scoped"):
        assert refusal(call(wsgi_app, "GET", path, HTTP_AUTHORIZATION="alice")) == UNAUTHORIZED
        assert json.loads(call(wsgi_app, "GET", path, HTTP_X_TOKEN="alice").body) == {"principalId": "alice"}
    assert closed_routes(app, "") == []


def test_copies_with_scopes_share_one_check() -> None:
    protected = ProtectedApp(everyone)
    for name in ("read", "write"):
        protected.app.route(f"/{name}", name=name, authorizer=protected.authorizer.with_scopes([name]))(lambda: {})
    for path in ("/read", "/write", "/home"):
        assert protected.get(path, "alice").status == 200
        assert refusal(protected.get(path, None)) == UNAUTHORIZED
    assert len(protected.calls) == 1


def closed(app: Chalice, cognito_jwks: str) -> list[str]:
    """Return the sentences about closed routes."""
    return [str(each) for each in closed_routes(app, cognito_jwks)]


def test_routes_of_an_unregistered_authorizer_are_closed() -> None:
    app, blueprint = Chalice("gatehouse"), Blueprint("forgotten")
    authorizer = blueprint.authorizer()(everyone)
    app.route("/", authorizer=authorizer)(lambda: {})
    assert refusal(call(create_wsgi_app(app, Settings()), "GET", "/", HTTP_AUTHORIZATION="x")) == DENIED
    assert closed(app, "") == ["Closed, since their authorizer was never registered: GET /"]


class Homemade(Authorizer):
    """An authorizer of an unknown kind."""

    name = "homemade"


SIGNATURE = (403, b'{"message":"Missing Authentication Token"}', "MissingAuthenticationTokenException")
POOL_ARN = "arn:aws:cognito-idp:eu-west-1:111111111111:userpool/eu-west-1_Pool"


@pytest.mark.parametrize(
    ("authorizer", "expected"),
    [
        (IAMAuthorizer(), SIGNATURE),
        (CustomAuthorizer("external", authorizer_uri="arn:aws:lambda:x"), DENIED),
        (CustomAuthorizer("external", authorizer_uri="arn:aws:lambda:x").with_scopes(["read"]), DENIED),
        (CognitoUserPoolAuthorizer("pool", provider_arns=[POOL_ARN]), UNAUTHORIZED),
        (Homemade(), DENIED),
        (object(), DENIED),
        ("", DENIED),
    ],
)
@pytest.mark.parametrize("token", [None, "Bearer x", "AWS4-HMAC-SHA256 Credential=x/y/z, Signature=0"])
def test_routes_that_cannot_be_checked_here_are_closed(
    authorizer: Any, expected: tuple[int, bytes, str], token: str | None
) -> None:
    app = Chalice("closed")
    app.route("/", methods=["GET", "POST"], authorizer=authorizer)(lambda: "open")
    environ = {} if token is None else {"HTTP_AUTHORIZATION": token}
    for method in ("GET", "POST"):
        assert refusal(call(create_wsgi_app(app, Settings()), method, "/", **environ)) == expected


def test_a_route_that_gets_its_authorizer_late_is_closed() -> None:
    app = Chalice("late")
    app.route("/")(lambda: "open")
    wsgi_app = create_wsgi_app(app, Settings())
    app.routes["/"]["GET"].authorizer = app.authorizer(name="late")(everyone)
    assert refusal(call(wsgi_app, "GET", "/", HTTP_AUTHORIZATION="x")) == DENIED


def test_closed_routes_are_named_with_the_reason() -> None:
    protected = ProtectedApp(everyone)
    external = CustomAuthorizer("external", authorizer_uri="arn:aws:lambda:x")
    protected.app.route("/signed", methods=["PUT", "GET"], authorizer=IAMAuthorizer())(lambda: {})
    protected.app.route("/external", authorizer=external)(lambda: {})
    protected.app.route("/external/too", authorizer=external)(lambda: {})
    protected.app.route("/pool", authorizer=CognitoUserPoolAuthorizer("pool", provider_arns=[POOL_ARN]))(lambda: {})
    protected.app.route("/open")(lambda: {})
    assert closed(protected.app, "") == [
        "Closed, since COGNITO_JWKS is not set: GET /pool",
        "Closed, since IAM signatures cannot be checked here: GET /signed, PUT /signed",
        "Closed, since external authorizers cannot be called from here: GET /external, GET /external/too",
    ]


def test_the_start_logs_closed_routes(caplog: pytest.LogCaptureFixture) -> None:
    from fargate.start.announcement import announce

    app = Chalice("closed")
    app.route("/signed", authorizer=IAMAuthorizer())(lambda: {})
    with caplog.at_level(logging.WARNING, "fargate"):
        announce(app, Settings(), 3000)
    assert "Closed, since IAM signatures cannot be checked here: GET /signed" in caplog.messages
