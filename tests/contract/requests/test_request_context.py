"""`requestContext`, the Lambda context, and the ids of a request and its response.

On Lambda, AWS gives them: `tests/contract/runtimes/test_on_lambda.py`.
"""

import re
import time
from datetime import UTC, datetime

import pytest

from tests.contract.clients.client import GATEWAYS, SERVERS, Client, ServerClient, client_of

MIRROR = "tests.apps.mirror:app"
DEADLINE_SECONDS = 7
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
ROOT = r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}"
GIVEN = "Root=1-5759e988-bd862e3fe1be46a994272793"

gateway = client_of(MIRROR, GATEWAYS)
server = client_of(MIRROR, SERVERS)
hurried = client_of(MIRROR, SERVERS, DEADLINE_SECONDS=str(DEADLINE_SECONDS))


def test_the_request_context_describes_the_request(server: ServerClient) -> None:
    context = server.post("/pets/cat/vet?x=1", b"x", ("User-Agent", "pytest/1")).json()["event"]["requestContext"]
    assert context["resourcePath"] == "/pets/{name}/vet"
    assert context["httpMethod"] == "POST"
    assert context["path"] == "/pets/cat/vet"
    assert context["stage"] == "api"
    assert context["protocol"] == "HTTP/1.1"
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["identity"]["userAgent"] == "pytest/1"
    assert context["localPort"] == server.server.port
    assert context["domainName"] == "shop.example"
    assert context["localPort"] == server.server.port
    assert re.fullmatch(r"[0-9]{12}", context["accountId"])
    assert context["apiId"]
    assert "authorizer" not in context


def test_its_time_is_the_current_time(gateway: Client) -> None:
    context = gateway.get("/mirror").json()["event"]["requestContext"]
    assert abs(context["requestTimeEpoch"] / 1000 - time.time()) < 30
    written = datetime.strptime(context["requestTime"], "%d/%b/%Y:%H:%M:%S %z")
    assert written == datetime.fromtimestamp(context["requestTimeEpoch"] // 1000, UTC)


def test_without_a_user_agent_it_is_none(gateway: Client) -> None:
    assert gateway.get("/mirror").json()["event"]["requestContext"]["identity"]["userAgent"] is None


def test_the_protocol_is_the_clients(server: ServerClient) -> None:
    with server.connected() as connection:
        connection.send(b"GET /mirror HTTP/1.0\r\n\r\n")
        (response,) = connection.rest()
    context = response.json()["event"]["requestContext"]
    assert (context["protocol"], context["domainName"]) == ("HTTP/1.0", "")


def test_ids_are_the_same_in_event_context_and_response(server: Client) -> None:
    response = server.get("/context")
    seen = response.json()
    request_id = response.header("x-amzn-requestid")
    assert request_id is not None
    assert re.fullmatch(UUID, request_id)
    assert seen["request_context"]["requestId"] == seen["context"]["aws_request_id"] == request_id
    assert seen["request_context"]["extendedRequestId"] == response.header("x-amz-apigw-id")


@pytest.mark.parametrize("target", ["/mirror", "/nothing", "/json", "/locked"])
def test_every_response_has_ids_of_its_own(server: Client, target: str) -> None:
    responses = [server.get(target) for _ in range(20)]
    for name in ("x-amzn-requestid", "x-amz-apigw-id"):
        assert len({response.header(name) for response in responses}) == 20
    assert all(re.fullmatch(ROOT, response.header("x-amzn-trace-id") or "") for response in responses)


@pytest.mark.parametrize("rest", ["", ";Parent=53995c3f42cd8ad8;Sampled=1", ";Lineage=a87bd80c:0"])
def test_a_trace_header_is_passed_on(server: ServerClient, rest: str) -> None:
    response = server.get("/mirror", ("X-Amzn-Trace-Id", GIVEN + rest))
    assert response.header("x-amzn-trace-id") == GIVEN
    assert response.json()["event"]["headers"]["X-Amzn-Trace-Id"] == GIVEN + rest


@pytest.mark.parametrize("given", ["", "nonsense", "Root=1-xyz", "Root=1-5759e988-bd862e3fe1be46a99427279", "x" * 5000])
def test_an_invalid_trace_header_is_replaced(server: ServerClient, given: str) -> None:
    response = server.get("/mirror", ("X-Amzn-Trace-Id", given))
    root = response.header("x-amzn-trace-id")
    assert root is not None
    assert re.fullmatch(ROOT, root)
    assert response.json()["event"]["headers"]["X-Amzn-Trace-Id"] == root


def test_the_context_object_has_lambdas_attributes(server: Client) -> None:
    seen = server.get("/context").json()
    context = seen["context"]
    assert context["function_name"] == "mirror"
    assert context["function_version"] == "$LATEST"
    assert re.fullmatch(r"arn:aws:lambda:[a-z0-9-]+:[0-9]{12}:function:mirror", context["invoked_function_arn"])
    assert context["memory_limit_in_mb"].isdecimal()
    assert context["log_group_name"] == "/aws/lambda/mirror"
    assert re.fullmatch(r"[0-9]{4}/[0-9]{2}/[0-9]{2}/\[\$LATEST\][0-9a-f]{32}", context["log_stream_name"])
    assert context["client_context"] is None
    assert seen["identity"] == [None, None]


def test_the_remaining_time_begins_at_the_deadline(server: Client, hurried: Client) -> None:
    for each, seconds in ((server, 29), (hurried, DEADLINE_SECONDS)):
        remaining = each.get("/context").json()["remaining"]
        assert remaining == sorted(remaining, reverse=True)
        assert (seconds - 5) * 1000 < remaining[0] <= seconds * 1000
