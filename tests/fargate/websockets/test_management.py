"""boto3's client of API Gateway's management API against `/@connections/{id}`: who is let in, and what it can do."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
import pytest
import redis
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed

from fargate.errors import BadSignature, ConfigurationError, GatewayError, MissingSignature
from fargate.http.messages import HttpRequest, canonical
from fargate.settings import read_settings
from fargate.websockets.management import Management
from fargate.websockets.relay import Names, RelayedConnections
from fargate.websockets.signatures import check_signature
from local.ports import free_port
from tests.fargate.websockets.conftest import SECONDS, Sockets, serving_sockets

KEYS = {"AKIAFIRST": "first/secret+1", "AKIASECOND": "second"}


@pytest.fixture(scope="module")
def open_to_keys() -> Iterator[Sockets]:
    pairs = ", ".join(f"{key_id}:{secret}" for key_id, secret in KEYS.items())
    with serving_sockets(WEBSOCKET_ACCESS_KEYS=pairs + "\n", BASE_PATH="/v1/prod") as served:
        yield served


def client_of(task: Sockets, key_id: str, secret: str, stage: str = "") -> Any:
    return boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=task.server.url + stage,
        region_name="eu-west-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.mark.parametrize(
    ("key_id", "stage"), [("AKIAFIRST", ""), ("AKIASECOND", "/v1-prod"), ("AKIASECOND", "/v1/prod")]
)
def test_boto3_sends_asks_and_closes(open_to_keys: Sockets, key_id: str, stage: str) -> None:
    api = client_of(open_to_keys, key_id, KEYS[key_id], stage)
    with open_to_keys.connect() as client:
        here = open_to_keys.ask(client, "id")
        api.post_to_connection(ConnectionId=here, Data="from boto3 \u2713".encode())
        assert client.recv(SECONDS) == "from boto3 \u2713"
        known = api.get_connection(ConnectionId=here)
        assert known["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": client.request.headers["User-Agent"]}
        assert known["ConnectedAt"] <= known["LastActiveAt"]
        with pytest.raises(api.exceptions.PayloadTooLargeException):
            api.post_to_connection(ConnectionId=here, Data=b"x" * (128 * 1024 + 1))
        api.delete_connection(ConnectionId=here)
        with pytest.raises(ConnectionClosed):
            client.recv(SECONDS)
    for call in (api.get_connection, api.delete_connection):
        with pytest.raises(api.exceptions.GoneException):
            call(ConnectionId=here)


@pytest.mark.parametrize(("key_id", "secret"), [("AKIAFIRST", "wrong"), ("AKIAOTHER", "first/secret+1")])
def test_other_keys_are_not_let_in(open_to_keys: Sockets, key_id: str, secret: str) -> None:
    with open_to_keys.connect() as client:
        api, here = client_of(open_to_keys, key_id, secret), open_to_keys.ask(client, "id")
        with pytest.raises(ClientError) as refused:
            api.post_to_connection(ConnectionId=here, Data=b"x")
        assert refused.value.response["Error"]["Code"] == "InvalidSignatureException"
        unsigned = httpx.post(f"{open_to_keys.server.url}/@connections/{here}", content="x")
        assert (unsigned.status_code, unsigned.json()) == (403, {"message": "Missing Authentication Token"})
        assert open_to_keys.server.awaited_output("POST /@connections/{id} 403")
        assert open_to_keys.ask(client, "nothing came before") == "nothing came before"


def test_without_keys_it_is_closed(sockets: Sockets) -> None:
    with sockets.connect() as client, pytest.raises(ClientError) as refused:
        client_of(sockets, "AKIAFIRST", "x").get_connection(ConnectionId=sockets.ask(client, "id"))
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert "/@connections is closed: no WEBSOCKET_ACCESS_KEYS" in sockets.server.output()


def test_with_keys_the_start_says_who_is_let_in(open_to_keys: Sockets) -> None:
    assert "/@connections is open to WEBSOCKET_ACCESS_KEYS" in open_to_keys.server.output()


def signed(body: bytes = b"x", url: str = "http://host.example/api/@connections/abc?b=2&a=%201") -> HttpRequest:
    """Return a request as botocore signs it."""
    request = AWSRequest("POST", url, data=body)
    SigV4Auth(Credentials("AKIAFIRST", KEYS["AKIAFIRST"]), "execute-api", "eu-west-1").add_auth(request)
    parts = urlsplit(url)
    headers = [("Host", parts.netloc), *((canonical(name), value) for name, value in request.headers.items())]
    return HttpRequest("POST", parts.path, parts.query, headers, body, "", "HTTP/1.1", None)


def test_a_request_is_accepted_as_it_was_signed_and_in_its_time() -> None:
    check_signature(signed(), KEYS, time.time())


@pytest.mark.parametrize("seconds", [-310, 310])
def test_a_signature_counts_for_five_minutes(seconds: int) -> None:
    with pytest.raises(BadSignature, match="expired"):
        check_signature(signed(), KEYS, time.time() + seconds)


def of_another_host(request: HttpRequest) -> HttpRequest:
    return request._replace(headers=[("Host", "other.example"), *request.headers[1:]])


@pytest.mark.parametrize(
    "change",
    [
        lambda request: request._replace(body=b"y"),
        lambda request: request._replace(path="/api/@connections/abd"),
        lambda request: request._replace(query="b=2"),
        lambda request: request._replace(method="DELETE"),
        of_another_host,
    ],
)
def test_what_was_changed_after_signing_is_refused(change: Callable[[HttpRequest], HttpRequest]) -> None:
    with pytest.raises(BadSignature, match="does not match"):
        check_signature(change(signed()), KEYS, time.time())


def test_a_signature_in_the_query_is_refused_by_name() -> None:
    request = AWSRequest("POST", "http://host.example/@connections/abc")
    SigV4QueryAuth(Credentials("AKIAFIRST", KEYS["AKIAFIRST"]), "execute-api", "eu-west-1").add_auth(request)
    query = urlsplit(request.url).query
    with pytest.raises(BadSignature, match="in the query is not accepted"):
        check_signature(signed()._replace(headers=[("Host", "host.example")], query=query), KEYS, time.time())


def test_who_signs_is_told_why_a_connection_is_not_reached() -> None:
    reach = RelayedConnections(redis.Redis(port=free_port()), Names("app-dev"))
    with pytest.raises(GatewayError, match=r"Redis fails: .*Connection refused") as refused:
        Management(reach, KEYS, "api").answer(signed(), "/@connections/abc")
    assert refused.value.status == 503


def test_what_was_not_signed_does_not_matter() -> None:
    """Proxies add headers."""
    request = signed()
    check_signature(request._replace(headers=[*request.headers, ("X-Forwarded-For", "a")]), KEYS, time.time())


@pytest.mark.parametrize("wrong", ["its-secret", "AKIA:its-secret,other", "AK/IA:its-secret", ":its-secret", "AKIA:"])
def test_a_malformed_list_of_keys_stops_the_start_without_showing_it(wrong: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_settings({"WEBSOCKET_ACCESS_KEYS": wrong})
    assert str(refused.value).startswith("WEBSOCKET_ACCESS_KEYS is not a list of key ids and secrets such as ")
    assert "its-secret" not in str(refused.value)
    assert "its-secret" not in repr(read_settings({"WEBSOCKET_ACCESS_KEYS": "AKIA:its-secret"}))


def test_what_has_to_be_signed() -> None:
    """Without Host among the signed headers, a request to one server could be sent to another."""
    request = signed()
    kept = [(name, value.replace("host;", "")) for name, value in request.headers]
    with pytest.raises(BadSignature, match="must be signed"):
        check_signature(request._replace(headers=kept), KEYS, time.time())
    with pytest.raises(MissingSignature):
        check_signature(request._replace(headers=[("Host", "x")]), KEYS, time.time())
