"""How the query and the headers reach the handler."""

from typing import Any

import pytest

from tests.contract.clients.client import SERVERS, Client, ServerClient, client_of

MIRROR = "tests.apps.mirror:app"

client = client_of(MIRROR)
server = client_of(MIRROR, SERVERS)


def seen(response: Any) -> Any:
    assert response.status == 200
    return response.json()["event"]


QUERIES = [
    ("", None),
    ("?", None),
    ("?a=1", {"a": ["1"]}),
    ("?a=1&b=2", {"a": ["1"], "b": ["2"]}),
    ("?a=1&a=2&a=3", {"a": ["1", "2", "3"]}),
    ("?a=&b", {"a": [""], "b": [""]}),
    ("?=x", {"": ["x"]}),
    ("?a=b+c%20d%2Be", {"a": ["b c d+e"]}),
    ("?a+b=1", {"a b": ["1"]}),
    ("?%C3%A9=%E2%9C%93", {"é": ["✓"]}),
    ("?a=b=c", {"a": ["b=c"]}),
    ("?a=1;b=2", {"a": ["1;b=2"]}),
    ("?a=/?:@", {"a": ["/?:@"]}),
    ("?&&a=1&&", {"a": ["1"]}),
    ("?a=%zz", {"a": ["%zz"]}),
    ("?a=%ff", {"a": ["\N{REPLACEMENT CHARACTER}"]}),
    ("?a=%00", {"a": ["\0"]}),
    ("?A=1&a=2", {"A": ["1"], "a": ["2"]}),
]


@pytest.mark.parametrize(("query", "many"), QUERIES, ids=[query or "none" for query, _ in QUERIES])
def test_the_event_has_all_values_and_the_last_value_of_a_query(
    client: Client, query: str, many: dict[str, list[str]] | None
) -> None:
    response = client.get(f"/mirror{query}")
    event = seen(response)
    assert event["multiValueQueryStringParameters"] == many
    assert event["queryStringParameters"] == (many and {name: values[-1] for name, values in many.items()})
    assert response.json()["query"] == many


def test_the_event_has_all_values_and_the_last_value_of_a_header(server: ServerClient) -> None:
    event = seen(server.get("/mirror", ("X-Many", "1"), ("X-Other", "o"), ("x-many", "2, 3"), ("X-MANY", "")))
    assert event["multiValueHeaders"]["X-Many"] == ["1", "2, 3", ""]
    assert event["headers"]["X-Many"] == ""
    assert event["headers"]["X-Other"] == "o"


def test_header_names_are_the_same_in_every_runtime(client: Client) -> None:
    """Apart from case: on Lambda a name is spelled as the client sent it, and Chalice ignores case."""
    names = {name.lower() for name in seen(client.get("/mirror", ("x-api-version", "1")))["headers"]}
    assert {"host", "x-api-version", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"} <= names
    assert "content-type" not in names


HOP_BY_HOP = [
    ("Keep-Alive", "timeout=5"),
    ("Proxy-Authorization", "Basic eDp5"),
    ("Proxy-Connection", "keep-alive"),
    ("TE", "trailers"),
    ("Upgrade", "h2c"),
]


@pytest.mark.parametrize(("name", "value"), HOP_BY_HOP, ids=[name for name, _ in HOP_BY_HOP])
def test_headers_of_the_connection_do_not_reach_the_app(server: ServerClient, name: str, value: str) -> None:
    event = seen(server.get("/mirror", (name, value)))  # `Connection: close` is sent with every request
    names = {each.lower() for each in [*event["headers"], *event["multiValueHeaders"]]}
    assert not names & {name.lower(), "connection"}


def test_a_header_may_have_any_byte_but_control_characters(server: ServerClient) -> None:
    value = "".join(map(chr, [*range(0x21, 0x7F), *range(0x80, 0x100)]))
    assert seen(server.get("/mirror", ("X-Bytes", value)))["headers"]["X-Bytes"] == value


def test_whitespace_around_a_value_is_stripped(server: ServerClient) -> None:
    assert seen(server.get("/mirror", ("X-Blank", " \t a b \t ")))["headers"]["X-Blank"] == "a b"


def test_an_underscore_is_not_a_hyphen(server: ServerClient) -> None:
    """Some servers read `X_Api_Key` as `X-Api-Key`, which bypasses a proxy that checks the latter."""
    headers = seen(server.get("/mirror", ("X_Api_Key", "forged")))["headers"]
    assert "X-Api-Key" not in headers
    assert server.get("/locked", ("X_Api_Key", "forged")).status == 403


def test_without_a_content_type_the_event_has_none(client: Client) -> None:
    """With an empty one Chalice would return 415."""
    response = client.post("/json", b'{"a":1}')
    assert (response.status, response.json()) == (200, {"json": None})
    event = seen(client.post("/mirror", b'{"a":1}'))
    assert "content-type" not in {name.lower() for name in event["headers"]}


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"])
def test_content_types_are_compared_as_chalice_does(client: Client, content_type: str) -> None:
    assert client.post("/json", b'{"a":1}', ("Content-Type", content_type)).status == 200


def test_another_content_type_gets_chalices_415(client: Client) -> None:
    response = client.post("/json", b"a: 1", ("Content-Type", "application/yaml"))
    assert response.status == 415
    assert response.json() == {"Code": "UnsupportedMediaType", "Message": "Unsupported media type: application/yaml"}
