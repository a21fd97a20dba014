"""Tokens of a user pool are verified with its keys, which come over real HTTP."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from chalice import Chalice, CognitoUserPoolAuthorizer, CORSConfig
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from fargate.auth import jwks
from fargate.auth.authorizers import closed_routes
from fargate.auth.cognito import Pool, TokenVerifier, UserPools, claim_text, pools_of
from fargate.auth.jwks import KeySet
from fargate.errors import ConfigurationError, Unauthorized
from fargate.settings import AWS_JWKS_URL, Settings, read_settings
from fargate.wsgi import create_wsgi_app
from local.ports import LOOPBACK, free_port
from local.waiting import wait_until
from tests.fixtures.clock import Clock
from tests.fixtures.wsgi import Answer, call

POOL = Pool("eu-west-1", "eu-west-1_Shop")
OTHER_POOL = Pool("eu-west-1", "eu-west-1_Other")
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)

UNAUTHORIZED = (401, b'{"message":"Unauthorized"}', "UnauthorizedException")
DENIED = (403, b'{"Message":"User is not authorized to access this resource"}', "AccessDeniedException")


def arn(pool: Pool) -> str:
    return f"arn:aws:cognito-idp:{pool.region}:111111111111:userpool/{pool.pool_id}"


def jwk(key: Any, kid: str, algorithm: Any = RSAAlgorithm, **more: str) -> dict[str, Any]:
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", **more}


class KeyServer:
    """An HTTP server for the keys of every pool, at `/{pool}`."""

    def __init__(self) -> None:
        self.keys: dict[str, list[dict[str, Any]]] = {
            POOL.pool_id: [jwk(KEY, "one", alg="RS256")],
            OTHER_POOL.pool_id: [jwk(OTHER_KEY, "one", alg="RS256")],
        }
        self.respond: Callable[[BaseHTTPRequestHandler], None] | None = None
        self.requests: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append(self.path)
                if outer.respond:
                    outer.respond(self)
                else:
                    send(self, 200, json.dumps({"keys": outer.keys.get(self.path[1:], [])}).encode())

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.template = f"http://{LOOPBACK}:{self.server.server_port}/{{pool}}"


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def keys() -> Iterator[KeyServer]:
    server = KeyServer()
    thread = threading.Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.server.shutdown()
    server.server.server_close()
    thread.join()


def sign(key: Any = KEY, kid: str | None = "one", algorithm: str = "RS256", headers: Any = None, **claims: Any) -> str:
    """Return a token as the pool makes it; claims that are None are left out."""
    now = int(time.time())
    everything = {
        "sub": "aaaa-bbbb",
        "iss": POOL.issuer,
        "token_use": "id",
        "aud": "client",
        "auth_time": now,
        "iat": now,
        "exp": now + 3600,
        "cognito:username": "jane",
        **claims,
    }
    given = {name: value for name, value in everything.items() if value is not None}
    return jwt.encode(given, key, algorithm, headers={**({"kid": kid} if kid else {}), **(headers or {})})


def access(scope: str = "shop/read", **claims: Any) -> str:
    return sign(token_use="access", scope=scope, aud=None, client_id="client", **claims)


class PooledApp:
    """An app with a route for ID tokens and one for access tokens."""

    def __init__(self, keys_at: str, header: str | None = "Authorization", pools: tuple[Pool, ...] = (POOL,)) -> None:
        self.app = Chalice("pooled")
        pool = CognitoUserPoolAuthorizer("pool", provider_arns=[arn(each) for each in pools], header=header)
        scoped = pool.with_scopes(["shop/read", "shop/write"])
        self.app.route("/id", name="id", authorizer=pool, cors=CORSConfig())(self._view)
        self.app.route("/scoped", name="scoped", authorizer=scoped)(self._view)
        self.wsgi = create_wsgi_app(self.app, Settings(cognito_jwks=keys_at))

    def _view(self) -> Any:
        return self.app.current_request.context["authorizer"]  # type: ignore[union-attr]

    def get(self, path: str, token: str | None, name: str = "HTTP_AUTHORIZATION") -> Answer:
        return call(self.wsgi, "GET", path, **({} if token is None else {name: token}))


@pytest.fixture
def pooled(keys: KeyServer) -> PooledApp:
    return PooledApp(keys.template)


def refusal(response: Answer) -> tuple[int, bytes, str | None]:
    return response.status, response.body, response.header("x-amzn-ErrorType")


# Which tokens are accepted.


def test_an_id_token_is_accepted_without_scopes(pooled: PooledApp) -> None:
    response = pooled.get("/id", sign())
    assert response.status == 200
    assert json.loads(response.body)["claims"]["cognito:username"] == "jane"


@pytest.mark.parametrize("scheme", ["", "Bearer ", "bearer ", "Bearer   "])
def test_the_token_may_come_with_or_without_bearer(pooled: PooledApp, scheme: str) -> None:
    assert pooled.get("/id", scheme + sign()).status == 200


@pytest.mark.parametrize("scheme", ["Basic ", "Token ", "Bearer", "Bearer Bearer ", "Bearer\t"])
def test_any_other_scheme_is_refused(pooled: PooledApp, scheme: str) -> None:
    assert refusal(pooled.get("/id", scheme + sign())) == UNAUTHORIZED


@pytest.mark.parametrize("header", ["X-Token", "x-token"])
def test_the_token_is_read_from_the_authorizers_header(keys: KeyServer, header: str) -> None:
    pooled = PooledApp(keys.template, header=header)
    assert pooled.get("/id", sign(), "HTTP_X_TOKEN").status == 200
    assert refusal(pooled.get("/id", sign())) == UNAUTHORIZED


@pytest.mark.parametrize(
    ("path", "token", "expected"),
    [
        ("/id", lambda: sign(), None),
        ("/id", lambda: access(), UNAUTHORIZED),
        ("/scoped", lambda: access("shop/read"), None),
        ("/scoped", lambda: access("openid shop/write email"), None),
        ("/scoped", lambda: access("openid"), DENIED),
        ("/scoped", lambda: access("shop/reader"), DENIED),
        ("/scoped", lambda: access("SHOP/READ"), DENIED),
        ("/scoped", lambda: access(""), DENIED),
        ("/scoped", lambda: sign(token_use="access"), DENIED),
        ("/scoped", lambda: sign(), UNAUTHORIZED),
        ("/scoped", lambda: sign(scope="shop/read"), UNAUTHORIZED),
    ],
)
def test_scopes_require_an_access_token_with_one_of_them(
    pooled: PooledApp, path: str, token: Callable[[], str], expected: tuple[int, bytes, str] | None
) -> None:
    response = pooled.get(path, token())
    assert response.status == 200 if expected is None else refusal(response) == expected


def encoded(part: Any) -> str:
    return (
        base64.urlsafe_b64encode(part if isinstance(part, bytes) else json.dumps(part).encode()).rstrip(b"=").decode()
    )


def unsigned(algorithm: str) -> str:
    _, payload, _ = sign().split(".")
    return f"{encoded({'alg': algorithm, 'kid': 'one', 'typ': 'JWT'})}.{payload}."


def signed_with_the_public_key_as_a_secret() -> str:
    """Build the algorithm confusion by hand, since PyJWT refuses to."""
    secret = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    _, payload, _ = sign().split(".")
    message = f"{encoded({'alg': 'HS256', 'kid': 'one', 'typ': 'JWT'})}.{payload}"
    return f"{message}.{encoded(hmac.digest(secret, message.encode(), hashlib.sha256))}"


def tampered(**claims: Any) -> str:
    header, payload, signature = sign().split(".")
    changed = json.loads(base64.urlsafe_b64decode(payload + "==")) | claims
    return f"{header}.{encoded(changed)}.{signature}"


def now(seconds: float) -> int:
    return int(time.time() + seconds)


FORGERIES: dict[str, Callable[[], str]] = {
    "no JWT": lambda: "token",
    "dots": lambda: "..",
    "empty parts": lambda: f"{encoded({})}.{encoded({})}.",
    "not ASCII": lambda: "é.é.é",
    "not even text": lambda: "\udc80.\udc80.\udc80",
    "nested deep": lambda: f"{encoded(b'[' * 30_000)}.{encoded({})}.x",
    "payload nested deep": lambda: f"{sign().split('.')[0]}.{encoded(b'[' * 30_000)}.AAAA",
    "payload is a list": lambda: f"{sign().split('.')[0]}.{encoded([])}.AAAA",
    "header is a list": lambda: f"{encoded([])}.{sign().split('.')[1]}.AAAA",
    "key id is a list": lambda: f"{encoded({'alg': 'RS256', 'kid': ['one']})}.{sign().split('.')[1]}.AAAA",
    "unsigned": lambda: unsigned("none"),
    "unsigned, None": lambda: unsigned("None"),
    "unsigned, but RS256 in its header": lambda: unsigned("RS256"),
    "the public key as a secret": signed_with_the_public_key_as_a_secret,
    "HS256 with a secret of one's own": lambda: sign("x" * 32, algorithm="HS256"),
    "RS512 with the right key": lambda: sign(algorithm="RS512"),
    "PS256 with the right key": lambda: sign(algorithm="PS256"),
    "another key": lambda: sign(OTHER_KEY),
    "an unknown key id": lambda: sign(kid="two"),
    "no key id": lambda: sign(kid=None),
    "a key that it brings along": lambda: sign(OTHER_KEY, headers={"jwk": jwk(OTHER_KEY, "one")}),
    "a key from an address that it brings along": lambda: sign(OTHER_KEY, headers={"jku": "http://127.0.0.1:1/"}),
    "another user's name": lambda: tampered(**{"cognito:username": "admin"}),
    "a longer life": lambda: tampered(exp=now(10**6)),
    "another pool's": lambda: sign(OTHER_KEY, iss=OTHER_POOL.issuer),
    "another issuer's, with our key": lambda: sign(iss=OTHER_POOL.issuer),
    "the issuer with a slash": lambda: sign(iss=POOL.issuer + "/"),
    "no issuer": lambda: sign(iss=None),
    "a list of issuers": lambda: sign(iss=None) and tampered(iss=[POOL.issuer]),
    "expired": lambda: sign(exp=now(-30)),
    "expired long ago": lambda: sign(iat=now(-7200), exp=now(-3600)),
    "without an end": lambda: sign(exp=None),
    "without a beginning": lambda: sign(iat=None),
    "issued in the future": lambda: sign(iat=now(60)),
    "not valid yet": lambda: sign(nbf=now(60)),
    "of no use": lambda: sign(token_use=None),
    "for refreshing": lambda: sign(token_use="refresh"),
    "without a subject": lambda: sign(sub=None),
    "a character too many": lambda: sign() + "A",
    "cut short": lambda: sign()[:-1],
    "twice": lambda: f"{sign()}, {sign()}",
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_forgeries_are_refused(pooled: PooledApp, forge: Callable[[], str]) -> None:
    assert refusal(pooled.get("/id", forge())) == UNAUTHORIZED
    assert refusal(pooled.get("/scoped", forge())) == UNAUTHORIZED
    assert pooled.get("/id", sign()).status == 200, "every token is refused"


@pytest.mark.parametrize("token", [None, "", " ", "Bearer", "Bearer "])
def test_without_a_token_the_request_is_unauthorized(pooled: PooledApp, keys: KeyServer, token: str | None) -> None:
    assert refusal(pooled.get("/id", token)) == UNAUTHORIZED
    assert not keys.requests


@pytest.mark.parametrize("claims", [{"exp": -5}, {"iat": 5}, {"nbf": 5}])
def test_clocks_may_differ_by_ten_seconds(pooled: PooledApp, claims: dict[str, int]) -> None:
    assert pooled.get("/id", sign(**{name: now(seconds) for name, seconds in claims.items()})).status == 200


def test_a_refusal_has_the_routes_cors_headers(pooled: PooledApp) -> None:
    response = pooled.get("/id", "x")
    assert (response.status, response.header("Access-Control-Allow-Origin")) == (401, "*")


def test_each_pool_is_verified_with_its_own_keys(keys: KeyServer) -> None:
    pooled = PooledApp(keys.template, pools=(POOL, OTHER_POOL))
    assert pooled.get("/id", sign()).status == 200
    assert pooled.get("/id", sign(OTHER_KEY, iss=OTHER_POOL.issuer)).status == 200
    assert refusal(pooled.get("/id", sign(OTHER_KEY))) == UNAUTHORIZED
    assert refusal(pooled.get("/id", sign(iss=OTHER_POOL.issuer))) == UNAUTHORIZED


VERIFIER = TokenVerifier({POOL.issuer: KeySet("http://127.0.0.1:1/")})


@given(st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda raw: f"{encoded(raw)}.{encoded(raw)}.AAAA")))
def test_no_token_breaks_the_verifier(token: str) -> None:
    with pytest.raises(Unauthorized):
        VERIFIER.verify(token)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda each: st.lists(each) | st.dictionaries(st.sampled_from(["kid", "iss", "alg"]), each),
    )
)
def test_no_header_or_payload_breaks_the_verifier(value: Any) -> None:
    token = f"{encoded({'alg': 'RS256', 'typ': 'JWT', 'kid': value})}.{encoded({'iss': value, 'exp': value})}.AAAA"
    with pytest.raises(Unauthorized):
        VERIFIER.verify(token)


# What the view sees.


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("email", "jane@example.com", "jane@example.com"),
        ("email_verified", True, "true"),
        ("email_verified", False, "false"),
        ("auth_time", 1680629979, "1680629979"),
        ("exp", 1680633579, "Tue Apr 04 18:39:39 UTC 2023"),
        ("iat", 1680629979, "Tue Apr 04 17:39:39 UTC 2023"),
        ("cognito:groups", ["team_manager"], "team_manager"),
        ("cognito:groups", ["admins", "readers"], "admins,readers"),
        ("cognito:groups", [], ""),
        ("identities", [{"userId": "1", "primary": True}], '{"userId":"1","primary":true}'),
        ("custom:ratio", 1.5, "1.5"),
        ("custom:nothing", None, None),
    ],
)
def test_claims_reach_the_view_as_api_gateway_writes_them(name: str, value: Any, text: str | None) -> None:
    assert claim_text(name, value) == text


def test_all_claims_reach_the_view_as_text(pooled: PooledApp) -> None:
    token = sign(**{"cognito:groups": ["a", "b"], "email_verified": True})
    seen = json.loads(pooled.get("/id", token).body)
    assert set(seen) == {"claims"}
    claims = seen["claims"]
    assert set(claims) == set(jwt.decode(token, options={"verify_signature": False}))
    assert all(isinstance(text, str) for text in claims.values())
    assert (claims["cognito:groups"], claims["email_verified"]) == ("a,b", "true")


# The keys.


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def key_set(keys: KeyServer, clock: Clock) -> KeySet:
    return KeySet(POOL.jwks_url(keys.template), clock)


def test_keys_are_fetched_when_needed_and_once(keys: KeyServer) -> None:
    pooled = PooledApp(keys.template)
    assert not keys.requests
    for _ in range(5):
        assert pooled.get("/id", sign()).status == 200
        assert pooled.get("/scoped", access()).status == 200
    assert keys.requests == [f"/{POOL.pool_id}"]


def test_a_new_key_is_found(keys: KeyServer, key_set: KeySet, clock: Clock) -> None:
    assert key_set.find("one")
    keys.keys[POOL.pool_id].append(jwk(OTHER_KEY, "two"))
    clock.now += 60
    assert key_set.find("two")
    assert key_set.find("one")
    assert len(keys.requests) == 2


def test_unknown_keys_cause_at_most_one_fetch_a_minute(keys: KeyServer, key_set: KeySet, clock: Clock) -> None:
    for second in range(0, 180, 5):
        clock.now = 1000.0 + second
        assert key_set.find(f"unknown-{second}") is None
        assert key_set.find("one")
    assert len(keys.requests) == 3


def test_a_withdrawn_key_is_refused_after_an_hour(keys: KeyServer, key_set: KeySet, clock: Clock) -> None:
    assert key_set.find("one")
    keys.keys[POOL.pool_id] = [jwk(OTHER_KEY, "two")]
    clock.now += 3599
    assert key_set.find("one")
    clock.now += 1
    assert key_set.find("one") is None


def status(code: int) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda handler: send(handler, code, b"{}")


def body(text: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda handler: send(handler, 200, text)


def hang(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


def cut(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, b"{", **{"Content-Length": "5000"})


def elsewhere(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 302, b"", Location=f"/{POOL.pool_id}?moved")


FAILURES = {
    "500": status(500),
    "404": status(404),
    "no JSON": body(b"<html>"),
    "no object": body(b"[]"),
    "no keys": body(b'{"keys":[]}'),
    "keys of another kind": body(b'{"keys":7}'),
    "nothing but no JSON": body(b"\xff"),
    "hangs": hang,
    "hangs up": hang_up,
    "cut short": cut,
    "redirects": elsewhere,
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_without_keys_every_token_is_refused(
    keys: KeyServer,
    failure: Callable[[BaseHTTPRequestHandler], None],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jwks, "TIMEOUT_SECONDS", 0.2)
    keys.respond = failure
    pooled = PooledApp(keys.template)
    assert refusal(pooled.get("/id", sign())) == UNAUTHORIZED
    assert caplog.text.count("The user pool's keys cannot be fetched from http://") == 1
    assert not any("moved" in path for path in keys.requests)


def test_without_a_server_every_token_is_refused() -> None:
    assert refusal(PooledApp(f"http://{LOOPBACK}:{free_port()}/{{pool}}").get("/id", sign())) == UNAUTHORIZED


def test_a_failed_fetch_is_repeated_after_ten_seconds(keys: KeyServer, key_set: KeySet, clock: Clock) -> None:
    keys.respond = status(500)
    assert key_set.find("one") is None
    keys.respond = None
    clock.now += 9.9
    assert key_set.find("one") is None
    clock.now += 0.1
    assert key_set.find("one")
    assert len(keys.requests) == 2


def test_known_keys_stay_valid_while_fetches_fail(keys: KeyServer, key_set: KeySet, clock: Clock) -> None:
    assert key_set.find("one")
    keys.respond = status(500)
    for _ in range(3):
        clock.now += 3600
        assert key_set.find("one")
        assert key_set.find("two") is None


@pytest.mark.parametrize(
    "other",
    [
        jwk(KEY, "one", use="enc"),
        jwk(ec.generate_private_key(ec.SECP256R1()), "one", ECAlgorithm),
        {"kty": "oct", "kid": "one", "k": encoded(b"x" * 32), "alg": "HS256"},
        {"kty": "unheard-of", "kid": "one"},
    ],
    ids=["for encryption", "elliptic curve", "a shared secret", "unheard of"],
)
def test_a_key_that_is_not_for_rsa_signatures_is_not_used(
    keys: KeyServer, pooled: PooledApp, other: dict[str, Any]
) -> None:
    keys.keys[POOL.pool_id] = [other, jwk(OTHER_KEY, "two")]
    assert refusal(pooled.get("/id", sign())) == UNAUTHORIZED
    assert refusal(pooled.get("/id", sign("x" * 32, algorithm="HS256"))) == UNAUTHORIZED
    assert KeySet(POOL.jwks_url(keys.template)).find("one") is None
    assert pooled.get("/id", sign(OTHER_KEY, kid="two")).status == 200


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_keys_for_another_algorithm_are_not_used(keys: KeyServer, pooled: PooledApp, algorithm: str) -> None:
    keys.keys[POOL.pool_id] = [jwk(KEY, "one", alg=algorithm)]
    assert refusal(pooled.get("/id", sign(algorithm=algorithm))) == UNAUTHORIZED


def test_many_threads_share_the_first_fetch(keys: KeyServer, pooled: PooledApp) -> None:
    token = sign()
    start = threading.Barrier(16)

    def client(_: int) -> int:
        start.wait()
        return pooled.get("/id", token).status

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(client, range(16))) == {200}
    assert len(keys.requests) == 1


def test_a_hanging_fetch_does_not_delay_tokens_with_known_keys(keys: KeyServer, key_set: KeySet, clock: Clock) -> None:
    release = threading.Event()
    assert key_set.find("one")
    keys.respond = lambda handler: (release.wait(60), status(500)(handler))[1]
    clock.now += 60
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(key_set.find, "two")
        while len(keys.requests) < 2:
            time.sleep(0.01)
        assert key_set.find("one")
        assert key_set.find("three") is None
        assert not waiting.done()
        release.set()
        assert waiting.result() is None


def test_a_fetch_that_no_timeout_ends_holds_requests_up_for_a_bounded_time_and_is_used_when_it_ends(
    keys: KeyServer, key_set: KeySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a name server that does not answer. One fetch is under way, however many tokens come."""
    monkeypatch.setattr(jwks, "WAIT_SECONDS", 0.05)
    release, began, fetch = threading.Event(), threading.Semaphore(0), key_set._client.get_signing_keys

    def hanging_fetch() -> list[jwt.PyJWK]:
        began.release()
        release.wait(30)
        return fetch()

    monkeypatch.setattr(key_set._client, "get_signing_keys", hanging_fetch)
    assert key_set.find("one") is None
    monkeypatch.setattr(jwks, "WAIT_SECONDS", 60)
    assert [key_set.find("one") for _ in range(3)] == [None] * 3
    assert began.acquire(timeout=10)
    assert not began.acquire(blocking=False)
    release.set()
    assert wait_until(lambda: key_set.find("one") is not None, 10)


# Settings.


@pytest.mark.parametrize(
    ("text", "pools"),
    [
        (arn(POOL), [POOL]),
        (
            "arn:aws-us-gov:cognito-idp:us-gov-west-1:1:userpool/us-gov-west-1_A",
            [Pool("us-gov-west-1", "us-gov-west-1_A")],
        ),
        ("arn:aws:cognito-idp:eu-west-1:1:userpool/../x_y", []),
        ("arn:aws:cognito-idp:evil.example/:1:userpool/x_y", []),
        ("arn:aws:cognito-idp:eu-west-1:1:userpool/eu-west-1_Shop/more", []),
        ("arn:aws:iam::1:role/x", []),
        ("*", []),
        ("", []),
    ],
)
def test_only_the_arn_of_a_pool_names_one(text: str, pools: list[Pool]) -> None:
    assert pools_of([text]) == pools


def test_the_urls_of_a_pools_keys() -> None:
    assert POOL.issuer == "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Shop"
    assert POOL.jwks_url(AWS_JWKS_URL) == f"{POOL.issuer}/.well-known/jwks.json"
    assert POOL.jwks_url("http://keys/{region}/{pool}.json") == "http://keys/eu-west-1/eu-west-1_Shop.json"
    assert POOL.jwks_url("http://keys/all") == "http://keys/all"


@pytest.mark.parametrize("text", ["aws", "https://keys.example/{pool}", "http://127.0.0.1:9000/{region}/{pool}.json"])
def test_the_setting_is_a_word_or_a_url(text: str) -> None:
    assert read_settings({"COGNITO_JWKS": text}).cognito_jwks == (AWS_JWKS_URL if text == "aws" else text)


@pytest.mark.parametrize("text", ["yes", "AWS", "file:///etc/passwd", "https://", "ftp://keys", "keys.json", "{}"])
def test_any_other_value_stops_the_start(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"COGNITO_JWKS is .*, neither aws nor a URL"):
        read_settings({"COGNITO_JWKS": text})


@pytest.mark.parametrize("missing", ["jwt", "cryptography"])
def test_a_missing_package_stops_the_start_and_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setattr("fargate.requirements.find_spec", lambda name: None if name == missing else object())
    with pytest.raises(ConfigurationError, match=r'COGNITO_JWKS.*pip install "chalice-fargate\[cognito\]"'):
        read_settings({"COGNITO_JWKS": "aws"})
    assert read_settings({}).cognito_jwks == ""


def closed(app: Chalice, cognito_jwks: str) -> list[str]:
    return [str(each) for each in closed_routes(app, cognito_jwks)]


def test_without_the_setting_every_token_is_refused_and_the_start_logs_it(keys: KeyServer) -> None:
    pooled = PooledApp("")
    for path, token in (("/id", sign()), ("/scoped", access()), ("/id", None)):
        assert refusal(pooled.get(path, token)) == UNAUTHORIZED
    assert closed(pooled.app, "") == ["Closed, since COGNITO_JWKS is not set: GET /id, GET /scoped"]
    assert closed_routes(pooled.app, keys.template) == []


def test_arns_without_a_pool_close_the_route() -> None:
    app = Chalice("misnamed")
    app.route("/", authorizer=CognitoUserPoolAuthorizer("pool", provider_arns=["arn:aws:iam::1:role/x"]))(lambda: {})
    settings = Settings(cognito_jwks=AWS_JWKS_URL)
    assert refusal(call(create_wsgi_app(app, settings), "GET", "/", HTTP_AUTHORIZATION=sign())) == UNAUTHORIZED
    assert closed(app, settings.cognito_jwks) == ["Closed, since their ARNs name no user pool: GET /"]


def test_a_verifier_needs_a_pool() -> None:
    with pytest.raises(ValueError, match="name no user pool"):
        UserPools("aws").verifier([], [])
