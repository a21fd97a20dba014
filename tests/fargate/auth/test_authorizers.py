"""A route with an authorizer is verified or closed: who gets in, what the view is told, and what is remembered."""

import json
import logging
import math
import random
import re
import sys
import threading
import time
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


def refusal(answer: Answer) -> tuple[int, bytes, str | None]:
    """What an answer looks like that the gateway gave instead of the app."""
    return answer.status, answer.body, answer.header("x-amzn-ErrorType")


def policy(*statements: dict[str, Any], **elements: Any) -> dict[str, Any]:
    """What an authorizer function returns that builds its policy itself."""
    return {
        "principalId": "user",
        "policyDocument": {"Version": "2012-10-17", "Statement": list(statements)},
        **elements,
    }


def allow(*resources: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": list(resources)}


def deny(*resources: str) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": list(resources)}


class Door:
    """An app whose routes all ask one authorizer, and what that was asked."""

    def __init__(self, answer: Callable[[AuthRequest], Any], settings: Settings | None = None, **options: Any) -> None:
        self.app = Chalice("guarded")
        self.asked: list[AuthRequest] = []
        self.settings = settings or Settings()

        @self.app.authorizer(**options)
        def guard(request: AuthRequest) -> Any:
            self.asked.append(request)
            return answer(request)

        self.guard = guard
        for path in ("/", "/home", "/users/{name}", "/files/{proxy+}", "/users/{name}/orders/{order}"):
            self.app.route(path, methods=["GET", "POST"], authorizer=guard, name=path)(self._view)
        self._wsgi: Any = None

    def _view(self, **_: str) -> Any:
        return self.app.current_request.context["authorizer"]  # type: ignore[union-attr]

    def get(self, path: str, token: str | None = "token", method: str = "GET", **environ: Any) -> Answer:
        self._wsgi = self._wsgi or create_wsgi_app(self.app, self.settings)
        header = {} if token is None else {"HTTP_AUTHORIZATION": token}
        return call(self._wsgi, method, path, **header, **environ)


def everyone(request: AuthRequest) -> AuthResponse:
    return AuthResponse(routes=["*"], principal_id=request.token)


# Who gets in.


def test_a_token_that_the_authorizer_knows_gets_in() -> None:
    door = Door(everyone)
    answer = door.get("/home", "alice")
    assert (answer.status, json.loads(answer.body)) == (200, {"principalId": "alice"})
    [asked] = door.asked
    assert (asked.auth_type, asked.token, asked.method_arn) == ("TOKEN", "alice", f"{STAGE}/GET/home")


def named(value: object) -> str:
    """Name a case in the same words in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


@pytest.mark.parametrize("token", [None, "", "   "])
def test_without_a_token_the_authorizer_is_not_even_asked(token: str | None) -> None:
    door = Door(everyone)
    assert refusal(door.get("/home", token)) == UNAUTHORIZED
    assert not door.asked


@pytest.mark.parametrize("header", ["X-Token", "x-token", "X-TOKEN"])
def test_the_token_comes_in_the_header_that_the_authorizer_names(header: str) -> None:
    door = Door(everyone, header=header)
    assert refusal(door.get("/home", "alice")) == UNAUTHORIZED
    assert json.loads(door.get("/home", None, HTTP_X_TOKEN="bob").body) == {"principalId": "bob"}


def test_a_header_of_none_means_the_default() -> None:
    assert Door(everyone, header=None).get("/home", "alice").status == 200


@pytest.mark.parametrize(
    ("answer", "expected"),
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
def test_the_policy_decides(answer: Any, expected: tuple[int, bytes, str] | None) -> None:
    given = Door(lambda request: answer).get("/home")
    assert given.status == 200 if expected is None else refusal(given) == expected


@pytest.mark.parametrize(
    "answer",
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
def test_an_answer_that_is_none_closes(answer: Any) -> None:
    door = Door(lambda request: answer)
    assert refusal(door.get("/home")) == BROKEN
    assert refusal(door.get("/home")) == BROKEN
    assert len(door.asked) == 2, "a failure was remembered"


def test_an_answer_that_goes_round_in_circles_closes() -> None:
    circle = policy(allow("*"))
    circle["context"] = circle
    assert refusal(Door(lambda request: circle).get("/home")) == BROKEN


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
    ],
    ids=named,
)
def test_an_authorizer_that_raises_closes(error: BaseException, expected: tuple[int, bytes, str]) -> None:
    def fail(request: AuthRequest) -> Any:
        raise error

    door = Door(fail)
    assert refusal(door.get("/home")) == expected
    assert refusal(door.get("/home")) == expected
    assert len(door.asked) == 2, "a failure was remembered"


def test_a_failure_is_logged_with_its_traceback_but_never_with_the_token(caplog: pytest.LogCaptureFixture) -> None:
    token = "".join(["s3", "cret"])  # not as it stands in a line that the traceback shows
    Door(lambda request: 1 // 0).get("/home", token)
    assert "The authorizer guard failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert token not in caplog.text


def test_the_authorizer_comes_before_the_api_key() -> None:
    door = Door(everyone, Settings(api_keys=ApiKeys(["key"])))
    door.app.route("/both", authorizer=door.guard, api_key_required=True)(lambda: {})
    assert refusal(door.get("/both", None)) == UNAUTHORIZED
    assert refusal(door.get("/both", None, HTTP_X_API_KEY="key")) == UNAUTHORIZED
    assert door.get("/both", "alice").body == b'{"message":"Forbidden"}'
    assert door.get("/both", "alice", HTTP_X_API_KEY="key").status == 200


def test_another_method_or_path_is_refused_without_asking() -> None:
    door = Door(everyone)
    assert door.get("/home", method="DELETE").status == 405
    assert door.get("/nowhere").status == 404
    assert not door.asked


def test_refusals_can_be_read_from_another_origin_where_the_route_allows_it() -> None:
    door = Door(lambda request: policy())
    cors = CORSConfig(allow_origin="https://shop.example")
    door.app.route("/cors", authorizer=door.guard, cors=cors)(lambda: {})
    for token in (None, "alice"):
        answer = door.get("/cors", token)
        assert answer.status in (401, 403)
        assert answer.header("Access-Control-Allow-Origin") == "https://shop.example"
    assert door.get("/cors", None, method="OPTIONS").status == 200
    assert len(door.asked) == 1


# What the method is called.


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
    door = Door(everyone)
    assert door.get(path).status == 200
    assert [asked.method_arn for asked in door.asked] == [f"{STAGE}/GET/{name}"]


def test_the_method_arn_agrees_with_the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-2")
    door = Door(everyone, Settings(base_path="/v1"))
    door.app.route("/context", authorizer=door.guard)(lambda: door.app.current_request.context)  # type: ignore[union-attr]
    context = json.loads(door.get("/v1/context").body)
    [asked] = door.asked
    assert asked.method_arn == (
        f"arn:aws:execute-api:us-east-2:{context['accountId']}:{context['apiId']}/{context['stage']}/GET/context"
    )
    assert context["path"] == "/v1/context"


@pytest.mark.parametrize("path", ["/admin", "/admin/", "//admin", "/%61dmin", "/%61%64min//"])
def test_no_spelling_of_a_path_walks_around_a_deny(path: str) -> None:
    door = Door(lambda request: policy(allow("*"), deny(f"{STAGE}/GET/admin")))
    door.app.route("/admin", authorizer=door.guard)(lambda: {})
    assert refusal(door.get(path)) == DENIED_EXPLICITLY


@pytest.mark.parametrize("wildcard", ["/users/*", "/users/%2A", "/users/%3F"])
def test_a_client_cannot_put_a_wildcard_into_a_policy(wildcard: str) -> None:
    """An authorizer that allows just the method it was asked for must not allow others with it."""
    door = Door(lambda request: policy(allow(request.method_arn)))
    assert door.get(wildcard).status == 200
    assert refusal(door.get("/users/b")) == DENIED


def test_not_even_through_a_server_that_leaves_a_question_mark_in_the_path() -> None:
    assert method_arn(STAGE, "GET", "/users/{name}", "/users/?*") == f"{STAGE}/GET/users/%3F%2A"


def test_a_path_too_long_for_a_policy_is_refused() -> None:
    door = Door(everyone)
    room = 1600 - len(f"{STAGE}/GET/users/")
    assert door.get("/users/" + "a" * room).status == 200
    answer = door.get("/users/" + "a" * (room + 1))
    assert (answer.status, answer.body) == (414, b'{"message":"Request URI too long"}')


# What the view is told.


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
    door = Door(lambda request: policy(allow("*"), context={"value": value, "principalId": "someone else"}))
    assert json.loads(door.get("/home").body) == {"value": text, "principalId": "user"}


def test_an_answer_is_read_as_it_looks_in_json() -> None:
    statement = {**allow(), "Resource": ("*",)}
    answer = {**policy(context={1: "one"}), "policyDocument": {"Statement": (statement,)}}
    assert json.loads(Door(lambda request: answer).get("/home").body) == {"1": "one", "principalId": "user"}


@pytest.mark.parametrize("context", [None, {}])
def test_without_a_context_there_is_still_the_principal(context: Any) -> None:
    assert json.loads(Door(lambda request: policy(allow("*"), context=context)).get("/home").body) == {
        "principalId": "user"
    }


def test_a_principal_that_is_a_number_arrives_as_text() -> None:
    assert json.loads(Door(lambda request: policy(allow("*"), principalId=7)).get("/home").body) == {"principalId": "7"}


def test_a_route_without_an_authorizer_has_no_word_of_one() -> None:
    app = Chalice("open")
    app.route("/")(lambda: "authorizer" in app.current_request.context)  # type: ignore[union-attr]
    assert call(create_wsgi_app(app, Settings()), "GET", "/", HTTP_AUTHORIZATION="x").body == b"false"


def test_a_view_that_changes_what_it_was_told_changes_nothing_for_others() -> None:
    door = Door(everyone)

    @door.app.route("/spoil", authorizer=door.guard)
    def spoil() -> Any:
        told = door.app.current_request.context["authorizer"]  # type: ignore[union-attr]
        told["principalId"] = "admin"
        told["more"] = "yes"
        return told

    for _ in range(2):
        assert json.loads(door.get("/spoil", "alice").body) == {"principalId": "admin", "more": "yes"}
        assert json.loads(door.get("/home", "alice").body) == {"principalId": "alice"}
    assert len(door.asked) == 1


def test_an_authorizer_that_changes_its_answer_later_changes_nothing() -> None:
    answer = policy(allow("*"), context={"role": "reader"})
    door = Door(lambda request: answer)
    assert json.loads(door.get("/home").body)["role"] == "reader"
    answer["context"]["role"] = "admin"
    answer["policyDocument"]["Statement"].clear()
    assert json.loads(door.get("/home").body)["role"] == "reader"


def test_an_authorizer_sees_no_request_but_a_context_of_its_own() -> None:
    seen: list[Any] = []
    door: Door

    def look(request: AuthRequest) -> Any:
        seen.append(getattr(door.app, "current_request", None))
        return everyone(request)

    door = Door(look, ttl_seconds=0)
    assert door.get("/home").status == door.get("/home").status == 200
    assert seen == [None, None]


def test_the_function_itself_gets_event_and_context_as_lambda_gives_them(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door(everyone)
    given: list[tuple[Any, Any]] = []
    original = type(door.guard).__call__

    def spy(self: Any, event: Any, context: Any) -> Any:
        given.append((event, context))
        return original(self, event, context)

    monkeypatch.setattr(type(door.guard), "__call__", spy)
    answer = door.get("/home", "alice")
    [(event, context)] = given
    assert event == {"type": "TOKEN", "authorizationToken": "alice", "methodArn": f"{STAGE}/GET/home"}
    assert context.aws_request_id == answer.header("x-amzn-RequestId")
    assert 0 < context.get_remaining_time_in_millis() <= 29_000


# What is remembered.


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def ask(gateway: Gateway, path: str = "/home", token: str = "alice") -> int:
    request = HttpRequest("GET", path, "", [("Authorization", token)], b"", "127.0.0.1", "HTTP/1.1", 3000)
    return gateway.handle(request).status


@pytest.mark.parametrize(
    ("ttl", "holds"),
    [(None, 300), (1, 1), (300, 300), (3600, 3600), (3601, 3600), (10**9, 3600), (0, 0), (-1, 0)],
)
def test_an_answer_holds_for_the_authorizers_time_to_live(ttl: int | None, holds: int) -> None:
    clock, door = Clock(), Door(everyone, ttl_seconds=ttl)
    gateway = Gateway(door.app, Settings(), monotonic=clock)
    ask(gateway)
    clock.now += max(holds - 0.001, 0)
    ask(gateway)
    assert len(door.asked) == (1 if holds else 2)
    clock.now += 0.001
    ask(gateway)
    assert len(door.asked) == (2 if holds else 3)


def test_the_time_counts_from_the_question_not_from_the_answer() -> None:
    clock = Clock()

    def slowly(request: AuthRequest) -> AuthResponse:
        clock.now += 5
        return everyone(request)

    door = Door(slowly, ttl_seconds=10)
    gateway = Gateway(door.app, Settings(), monotonic=clock)
    ask(gateway)
    clock.now += 5
    ask(gateway)
    assert len(door.asked) == 2


def test_a_remembered_policy_is_applied_to_every_path_it_is_used_for() -> None:
    door = Door(lambda request: AuthResponse(routes=["/home", AuthRoute("/users/*", ["GET"])], principal_id="user"))
    assert door.get("/home").status == 200
    assert door.get("/users/1").status == 200
    assert refusal(door.get("/users/1", method="POST")) == DENIED
    assert refusal(door.get("/files/1")) == DENIED
    assert door.get("/home", method="POST").status == 200
    assert len(door.asked) == 1


def test_a_refusal_by_policy_is_remembered_too() -> None:
    door = Door(lambda request: policy())
    assert refusal(door.get("/home")) == refusal(door.get("/home")) == DENIED
    assert len(door.asked) == 1


def test_every_token_gets_an_answer_of_its_own() -> None:
    door = Door(everyone)
    for token in ("alice", "bob", "alice", "Alice", "bob"):
        assert json.loads(door.get("/home", token).body) == {"principalId": token}
    assert [asked.token for asked in door.asked] == ["alice", "bob", "Alice"]


def two_authorizers() -> tuple[Chalice, list[str]]:
    app, asked = Chalice("two"), []

    def authorizer(name: str) -> Any:
        def guard(request: AuthRequest) -> AuthResponse:
            asked.append(name)
            return AuthResponse(routes=["*"], principal_id=f"{name}:{request.token}")

        return app.authorizer(name=name)(guard)

    for name in ("one", "two"):
        app.route(f"/{name}", name=name, authorizer=authorizer(name))(
            lambda: app.current_request.context["authorizer"]["principalId"]  # type: ignore[union-attr]
        )
    return app, asked


def test_two_authorizers_never_share_an_answer() -> None:
    app, asked = two_authorizers()
    wsgi_app = create_wsgi_app(app, Settings())
    for name in ("one", "two", "one", "two"):
        assert call(wsgi_app, "GET", f"/{name}", HTTP_AUTHORIZATION="token").body.decode() == f"{name}:token"
    assert asked == ["one", "two"]


def test_one_function_under_two_names_is_two_authorizers() -> None:
    app, asked = Chalice("twice"), []

    def guard(request: AuthRequest) -> AuthResponse:
        asked.append(request.token)
        return everyone(request)

    for name in ("one", "two"):
        app.route(f"/{name}", name=name, authorizer=app.authorizer(name=name)(guard))(lambda: {})
    wsgi_app = create_wsgi_app(app, Settings())
    for name in ("one", "two", "one"):
        assert call(wsgi_app, "GET", f"/{name}", HTTP_AUTHORIZATION="token").status == 200
    assert len(asked) == 2


def test_what_is_remembered_is_bounded_and_the_longest_unused_goes_first() -> None:
    cache = GrantCache(300, Clock(), size=2)
    grant = read_grant(policy(allow("*")))
    cache.put("a", grant, 1000)
    cache.put("b", grant, 1000)
    assert cache.get("a")
    cache.put("c", grant, 1000)
    assert [bool(cache.get(token)) for token in "abc"] == [True, False, True]


def test_a_flood_of_tokens_leaves_no_more_than_the_bound() -> None:
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
    """No principal ever shows up in another's answer, while entries come, expire and go."""
    app, asked = two_authorizers()
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
    assert 4 <= len(asked) < 32 * 200, "nothing was remembered, so nothing was tested"


def test_a_slow_authorizer_holds_up_nobody_whose_answer_is_known() -> None:
    gate = threading.Event()

    def slowly(request: AuthRequest) -> AuthResponse:
        if request.token == "slow":
            gate.wait(10)
        return everyone(request)

    door = Door(slowly)
    door.get("/home", "alice")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(door.get, "/home", "slow")
        begin = time.monotonic()
        assert door.get("/home", "alice").status == 200
        assert time.monotonic() - begin < 5
        gate.set()
        assert waiting.result().status == 200


# Where authorizers come from.


def test_an_authorizer_on_a_blueprint_guards_its_routes() -> None:
    app, blueprint = Chalice("gatehouse"), Blueprint("blueprint")
    blueprint._import_name = "blueprint"

    @blueprint.authorizer(header="X-Token", ttl_seconds=0)
    def guard(request: AuthRequest) -> AuthResponse:
        return AuthResponse(routes=["/blue/*"], principal_id=request.token)

    @blueprint.route("/home", authorizer=guard)
    def home() -> Any:
        return blueprint.current_request.context["authorizer"]

    @blueprint.route("/scoped", authorizer=guard.with_scopes(["read"]))
    def scoped() -> Any:
        return blueprint.current_request.context["authorizer"]

    app.register_blueprint(blueprint, name_prefix="blue_", url_prefix="/blue")
    wsgi_app = create_wsgi_app(app, Settings())
    for path in ("/blue/home", "/blue/scoped"):
        assert refusal(call(wsgi_app, "GET", path, HTTP_AUTHORIZATION="alice")) == UNAUTHORIZED
        assert json.loads(call(wsgi_app, "GET", path, HTTP_X_TOKEN="alice").body) == {"principalId": "alice"}
    assert closed_routes(app, "") == []


def test_copies_with_scopes_are_the_same_authorizer() -> None:
    door = Door(everyone)
    for name in ("read", "write"):
        door.app.route(f"/{name}", name=name, authorizer=door.guard.with_scopes([name]))(lambda: {})
    for path in ("/read", "/write", "/home"):
        assert door.get(path, "alice").status == 200
        assert refusal(door.get(path, None)) == UNAUTHORIZED
    assert len(door.asked) == 1


def test_an_authorizer_that_was_never_registered_lets_nobody_in() -> None:
    app, blueprint = Chalice("gatehouse"), Blueprint("forgotten")
    guard = blueprint.authorizer()(everyone)
    app.route("/", authorizer=guard)(lambda: {})
    assert refusal(call(create_wsgi_app(app, Settings()), "GET", "/", HTTP_AUTHORIZATION="x")) == DENIED
    assert closed_routes(app, "") == ["Closed, since their authorizer was never registered: GET /"]


class Homemade(Authorizer):
    """An authorizer of a kind that nobody has heard of."""

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
def test_what_cannot_be_verified_here_is_closed(
    authorizer: Any, expected: tuple[int, bytes, str], token: str | None
) -> None:
    app = Chalice("closed")
    app.route("/", methods=["GET", "POST"], authorizer=authorizer)(lambda: "open")
    environ = {} if token is None else {"HTTP_AUTHORIZATION": token}
    for method in ("GET", "POST"):
        assert refusal(call(create_wsgi_app(app, Settings()), method, "/", **environ)) == expected


def test_an_authorizer_that_a_route_gets_later_lets_nobody_in() -> None:
    app = Chalice("late")
    app.route("/")(lambda: "open")
    wsgi_app = create_wsgi_app(app, Settings())
    app.routes["/"]["GET"].authorizer = app.authorizer(name="late")(everyone)
    assert refusal(call(wsgi_app, "GET", "/", HTTP_AUTHORIZATION="x")) == DENIED


def test_the_start_can_say_what_is_closed_and_why() -> None:
    door = Door(everyone)
    external = CustomAuthorizer("external", authorizer_uri="arn:aws:lambda:x")
    door.app.route("/signed", methods=["PUT", "GET"], authorizer=IAMAuthorizer())(lambda: {})
    door.app.route("/external", authorizer=external)(lambda: {})
    door.app.route("/external/too", authorizer=external)(lambda: {})
    door.app.route("/pool", authorizer=CognitoUserPoolAuthorizer("pool", provider_arns=[POOL_ARN]))(lambda: {})
    door.app.route("/open")(lambda: {})
    assert closed_routes(door.app, "") == [
        "Closed, since COGNITO_JWKS is not set: GET /pool",
        "Closed, since IAM signatures cannot be checked here: GET /signed, PUT /signed",
        "Closed, since external authorizers cannot be asked from here: GET /external, GET /external/too",
    ]


def test_the_start_says_so(caplog: pytest.LogCaptureFixture) -> None:
    from fargate.startup import announce

    app = Chalice("closed")
    app.route("/signed", authorizer=IAMAuthorizer())(lambda: {})
    with caplog.at_level(logging.WARNING, "fargate"):
        announce(app, Settings(), 3000)
    assert "Closed, since IAM signatures cannot be checked here: GET /signed" in caplog.messages
