"""What users of aws/chalice have reported: each row is a request, and the answer of API Gateway with Chalice on Lambda.

Where the adapter differs, the row has its answer; docs/compatibility.md says why, by the number of the thread.
"""

import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.contract.clients.client import GATEWAYS, RUNTIMES, SERVERS, Client, Clients
from tests.contract.clients.messages import Headers, Request, Response
from tests.contract.reports.page import threads_of

REPORTS = "tests.apps.projects.reports.app:app"
WIDE = "tests.apps.projects.reports.app:wide"  # all types are binary
KEY = "a-key-of-the-tests"
ROOT = Path(__file__).resolve().parents[3]

ALLOWED = "Authorization,Content-Type,X-Amz-Date,X-Amz-Security-Token,X-Api-Key"
ANYONE = {"access-control-allow-origin": "*", "access-control-allow-headers": ALLOWED}
NO_CORS = {"access-control-allow-origin": None}
PREFLIGHT: Headers = [("Origin", "https://shop.example"), ("Access-Control-Request-Method", "POST")]
BROWSER = ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
MULTIPART = ("Content-Type", "multipart/form-data; boundary=edge")
BYTES = bytes(range(256))

INTERNAL = {"Code": "InternalServerError", "Message": "An internal server error occurred."}
BAD_GATEWAY = {"message": "Internal server error"}
NOT_FOUND = {"message": "Not Found"}
NOT_ALLOWED = {"message": "Method Not Allowed"}
UNAUTHORIZED = {"message": "Unauthorized"}
DENIED = {"Message": "User is not authorized to access this resource"}
NO_JSON = {"Code": "BadRequestError", "Message": "Error Parsing JSON"}
UPLOADED = (
    b'--edge\r\nContent-Disposition: form-data; name="note"\r\n\r\nbar\r\n'
    b'--edge\r\nContent-Disposition: form-data; name="file"; filename="x.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n\0\xff\x80\r\n\xfe\r\n--edge--\r\n"
)


class Row(NamedTuple):
    """A request and its answer."""

    thread: int
    request: Request
    status: int
    body: Any = None  # members that the JSON has; the whole body if it is text or bytes; None: any
    headers: dict[str, str | list[str] | None] = {}  # noqa: RUF012  None: there is none
    kinds: tuple[str, ...] = RUNTIMES  # GATEWAYS: API Gateway answers, so on Lambda no request arrives
    app: str = REPORTS


def get(target: str, *headers: tuple[str, str]) -> Request:
    return Request("GET", target, list(headers))


def post(target: str, body: bytes, *headers: tuple[str, str]) -> Request:
    return Request("POST", target, list(headers), body)


def preflight(target: str, origin: str = "https://shop.example") -> Request:
    return Request("OPTIONS", target, [("Origin", origin), PREFLIGHT[1]])


def token(target: str, value: str) -> Request:
    return get(target, ("Authorization", value))


PATHS = [
    Row(511, get("/seen/Los%20Angeles"), 200, {"captured": {"value": "Los%20Angeles"}}),
    Row(688, get("/seen/a%7Cb/c%2Fd"), 200, {"captured": {"value": "a%7Cb", "other": "c%2Fd"}}),
    Row(2118, get("/rest/a"), 200, {"uri_params": {"proxy": "a"}, "path": "/rest/{proxy+}"}),
    Row(2118, get("/rest/a/b%2Fc/"), 200, {"uri_params": {"proxy": "a/b%2Fc"}, "sent": "/rest/a/b%2Fc/"}),
    Row(866, get("/rest/a/b/c/d"), 200, {"uri_params": {"proxy": "a/b/c/d"}, "captured": {}}),
    Row(2072, get("/captured/a"), 500, INTERNAL),
    Row(2072, get("/1"), 404, NOT_FOUND, kinds=GATEWAYS),
    Row(65, get("/seen/"), 200, {"path": "/seen", "sent": "/seen/"}),
    Row(65, get("/slashed"), 200, {"route": "/slashed/"}),
    Row(65, get("/slashed/"), 200, {"route": "/slashed/"}),
    Row(588, get("/stamp/"), 404, NOT_FOUND, kinds=GATEWAYS),
    Row(
        767,
        get("/seen/x?a=1"),
        200,
        {"context": {"path": "/seen/x", "httpMethod": "GET", "resourcePath": "/seen/{value}"}},
    ),
    Row(945, get("/nowhere"), 404, NOT_FOUND, {"cache-control": "no-store"}, GATEWAYS),
    Row(861, get("/sene"), 404, NOT_FOUND, kinds=GATEWAYS),
    Row(750, Request("HEAD", "/html"), 405, b"", {"allow": "GET"}),
    Row(1633, Request("DELETE", "/html"), 405, NOT_ALLOWED, {"allow": "GET"}, GATEWAYS),
    Row(425, get("/same/name"), 200, {"n": 1}),
    Row(425, get("/same/other"), 200, {"n": 2}),
    Row(736, get("/nightly"), 404, NOT_FOUND, kinds=GATEWAYS),
    Row(1111, get("/users"), 200, {"of": "users", "path": "/users", "app": "reports"}),
    Row(1111, get("/users/"), 200, {"of": "users"}),
    Row(1111, get("/orders/list"), 200, {"of": "orders", "path": "/orders/list"}),
]

QUERIES = [
    Row(1349, get("/seen?param=a%26b"), 200, {"query": {"param": ["a&b"]}}),
    Row(765, get("/seen?a=1&b=&c=3"), 200, {"query": {"a": ["1"], "b": [""], "c": ["3"]}}),
    Row(1055, get("/seen"), 200, {"query": None, "last_values": None}),
    Row(1131, get("/seen?a=1&b=x&a=2"), 200, {"query": {"a": ["1", "2"], "b": ["x"]}}),
    Row(964, get("/seen?f=%5Bname%5D%3Dtest%25&f=%5Bage%5D"), 200, {"query": {"f": ["[name]=test%", "[age]"]}}),
    Row(1163, get("/seen?n=1&n=2"), 200, {"last_values": {"n": "2"}}),
    Row(2001, get("/seen/s1?property=t"), 200, {"captured": {"value": "s1"}, "query": {"property": ["t"]}}),
]

REQUEST_BODIES = [
    Row(306, post("/json", b'{"a":1}', ("Content-Type", "application/json; charset=utf-8")), 200, {"json": {"a": 1}}),
    Row(180, post("/json", b'{"a":1}', ("Content-Type", "application/json;charset=UTF-8")), 200, {"json": {"a": 1}}),
    Row(698, post("/json", b"{", JSON), 400, NO_JSON, ANYONE),
    Row(503, get("/body"), 200, {"type": "bytes", "hex": "", "json": None}),
    Row(503, post("/json", b"", JSON), 400, NO_JSON),
    Row(715, post("/json", b"a: 1", ("Content-Type", "text/yaml")), 415, {"Code": "UnsupportedMediaType"}, ANYONE),
    Row(1555, post("/form", b"a=1&a=2&b=&c=%C3%A9", FORM), 200, {"a": ["1", "2"], "b": [""], "c": ["\u00e9"]}),
    Row(355, post("/body", b"brand=svs", FORM), 200, {"type": "bytes", "hex": b"brand=svs".hex()}),
    Row(418, post("/upload", UPLOADED, MULTIPART), 200, {"note": b"bar".hex(), "file": "00ff800d0afe"}),
    Row(796, post("/upload", UPLOADED[:90] + b"--edge--\r\n", MULTIPART), 200, {"note": b"bar".hex()}),
    Row(
        708, post("/body", BYTES, ("Content-Type", "application/x-unknown")), 200, {"type": "bytes", "hex": BYTES.hex()}
    ),
]

RESPONSE_BODIES = [
    Row(391, get("/pdf", BROWSER), 200, b"%PDF-1.7 " + BYTES, {"content-type": "application/pdf"}),
    Row(1095, get("/mp3", ("Accept", "text/html,image/webp,audio/mpeg;q=0.8")), 200, BYTES),
    Row(1095, get("/mp3", ("Accept", "text/html")), 400, {"Code": "BadRequest"}),
    Row(1501, get("/pdf", ("Accept", "application/pdf")), 200, b"%PDF-1.7 " + BYTES),
    Row(250, get("/mp3", ("Accept", "*/*")), 200, BYTES, {"content-type": "audio/mpeg", "content-length": "256"}),
    Row(988, get("/packed", ("Accept", "application/vnd.packed+json")), 200, None, {"content-encoding": "gzip"}),
    Row(187, get("/decimals"), 200, {"price": 9.99, "count": 3.0}),
    Row(880, get("/dates"), 502, BAD_GATEWAY, kinds=GATEWAYS),
    Row(637, get("/async"), 502, BAD_GATEWAY, kinds=GATEWAYS),
    Row(646, get("/awaits"), 200, {"awaited": "/awaits"}),
    Row(646, get("/loop"), 200, {"awaited": "/loop"}, kinds=GATEWAYS if sys.version_info < (3, 14) else ()),
    Row(174, Request("DELETE", "/nothing"), 204, b"", {"content-length": None, "content-type": None}),
    Row(1754, get("/moved"), 302, b"", {"location": "https://other.example/x?y=%20z"}),
    Row(110, post("/created", b"{}", JSON), 201, {"id": 7}, {"location": "/created/7"}),
    Row(1381, get("/cookies/1"), 200, None, {"set-cookie": ["c0=0; Path=/; HttpOnly"]}),
    Row(1205, get("/cookies/3"), 200, None, {"set-cookie": [f"c{each}={each}; Path=/; HttpOnly" for each in range(3)]}),
    Row(1236, get("/counted"), 500, INTERNAL, {"x-total-count": None}),
    Row(217, get("/upstream"), 200, {}, {"x-upstream": "1", "via": None}),
    Row(218, get("/html"), 200, "<p>gr\u00fc\u00df dich</p>", {"content-type": "text/html; charset=utf-8"}),
]

OCTETS = ("Content-Type", "application/octet-stream")
ANY = ("Accept", "*/*")
BINARY = [
    Row(592, get("/photo", ("Accept", "image/jpg")), 415, {"Code": "UnsupportedMediaType"}),
    Row(592, get("/photo", ("Accept", "image/jpg"), ("Content-Type", "image/jpg")), 200, BYTES),
    Row(1185, preflight("/echo"), 200, b"", {**ANYONE, "access-control-allow-methods": "POST,OPTIONS"}, GATEWAYS, WIDE),
    Row(1185, post("/echo", BYTES, OCTETS, ANY), 200, BYTES, ANYONE, app=WIDE),
    Row(1530, get("/json", ANY), 200, {"hello": "world"}, app=WIDE),
    Row(1523, get("/json"), 400, {"Code": "BadRequest"}, app=WIDE),
    Row(1523, get("/page", ANY), 502, BAD_GATEWAY, kinds=GATEWAYS, app=WIDE),
]

ERRORS = [
    Row(1541, get("/sold-out"), 409, {"error": "sold out"}, {"x-seen-status": None}),
    Row(1884, get("/library-error"), 500, INTERNAL, {"x-seen-status": "500"}),
    Row(1298, get("/escapes"), 502, BAD_GATEWAY, kinds=GATEWAYS),
    Row(2059, get("/missing", ("X-Early", "1")), 200, {"early": True}, NO_CORS),
]

CORS = [
    Row(665, post("/json", b"{}", JSON), 200, {"json": {}}, ANYONE),
    Row(970, get("/library-error"), 500, INTERNAL, ANYONE),
    Row(437, preflight("/json"), 200, b"", {**ANYONE, "access-control-allow-methods": "POST,OPTIONS"}, GATEWAYS),
    Row(761, preflight("/html"), 405, NOT_ALLOWED, NO_CORS, GATEWAYS),
    Row(787, get("/mine"), 401, UNAUTHORIZED, ANYONE, GATEWAYS),
    Row(960, token("/mine", "nobody"), 403, DENIED, ANYONE, GATEWAYS),
    Row(1290, preflight("/mine"), 200, b"", {**ANYONE, "access-control-allow-methods": "GET,POST,OPTIONS"}, GATEWAYS),
    Row(1761, Request("DELETE", "/mine"), 405, NOT_ALLOWED, ANYONE, GATEWAYS),
    Row(950, preflight("/origins"), 200, {}, {"access-control-allow-origin": "https://shop.example", "vary": "Origin"}),
    Row(2122, preflight("/origins", "https://evil.example"), 200, {}, {**NO_CORS, "vary": None}),
    Row(
        1472,
        get("/both"),
        200,
        {},
        {**ANYONE, "access-control-max-age": "600", "access-control-allow-credentials": "true"},
    ),
]

AUTHORIZERS = [
    Row(1619, token("/mine", "nobody"), 403, DENIED, kinds=GATEWAYS),
    Row(971, token("/mine", "unknown"), 401, UNAUTHORIZED, {"x-amzn-errortype": "UnauthorizedException"}, GATEWAYS),
    Row(467, token("/mine/1", "nobody"), 403, DENIED, {"x-amzn-errortype": "AccessDeniedException"}, GATEWAYS),
    Row(467, token("/mine/1", "mine"), 200, {"item": "1"}, kinds=GATEWAYS),
    Row(1470, token("/mine?query=1", "mine"), 200, kinds=GATEWAYS),
    Row(403, token("/mine", "all"), 200, kinds=GATEWAYS),
    Row(403, token("/mine/1", "star"), 200, kinds=GATEWAYS),
    Row(403, token("/mine", "read"), 200, kinds=GATEWAYS),
    Row(403, post("/mine", b"", ("Authorization", "read")), 403, DENIED, kinds=GATEWAYS),
    Row(1775, token("/stamped/2021-08-01T00:00:00Z", "hours"), 200, {"moment": "2021-08-01T00:00:00Z"}, kinds=GATEWAYS),
    Row(
        228,
        token("/mine", "mine"),
        200,
        {"authorizer": {"token": "mine", "age": "7", "principalId": "someone"}},
        kinds=GATEWAYS,
    ),
    Row(1976, get("/jar", ("Cookie", "session=1")), 200, {}, kinds=GATEWAYS),
    Row(1976, get("/jar", ("Cookie", "session=2")), 403, DENIED, kinds=GATEWAYS),
    Row(1675, get("/jar", ("Authorization", "session=1")), 401, UNAUTHORIZED, kinds=GATEWAYS),
    Row(815, get("/open"), 200, {"authorizer": None}),
    Row(438, get("/keyed", ("X-Api-Key", KEY)), 200, {"key": KEY}, kinds=GATEWAYS),
    Row(438, get("/unkeyed", ("X-Api-Key", KEY)), 200, {"key": None}, kinds=GATEWAYS),
    Row(1136, get(f"/keyed?x-api-key={KEY}"), 403, {"message": "Forbidden"}, kinds=GATEWAYS),
    Row(293, get("/unkeyed"), 200, {"address": "127.0.0.1"}, kinds=SERVERS),
]

ROWS = [*PATHS, *QUERIES, *REQUEST_BODIES, *RESPONSE_BODIES, *BINARY, *ERRORS, *CORS, *AUTHORIZERS]

ELSEWHERE = {
    570: "tests/contract/runtimes/test_documented_apps.py::test_a_todo_is_added_changed_and_deleted",
    759: "tests/fargate/patches/test_isolation.py::test_app_middleware_and_blueprints_see_their_own_request_only",
    374: "tests/contract/requests/test_base_path.py::test_the_prefix_is_stripped_once",
    1431: "tests/contract/requests/test_base_path.py::test_the_prefix_is_stripped_once",
    1580: "tests/contract/requests/test_request_context.py::test_the_remaining_time_begins_at_the_deadline",
    558: "tests/fargate/auth/test_cognito.py::test_all_claims_reach_the_view_as_text",
    1479: "tests/fargate/auth/test_cognito.py::test_without_keys_every_token_is_refused",
    1674: "tests/fargate/websockets/test_examples.py::test_people_in_rooms_chat",
    2007: "tests/fargate/websockets/test_examples.py::test_an_echo_goes_to_its_sender_alone",
    1991: "tests/fargate/websockets/test_conversation.py::test_another_thread_sends_and_closed_connections_are_gone",
    1118: "tests/fargate/gateway/test_unserved.py::test_the_start_logs_them",
    1514: "tests/fargate/patches/test_powertools_metrics.py::test_two_requests_write_their_own_metrics",
    386: "tests/contract/reports/test_logging.py::test_the_levels_and_handlers_that_an_app_sets_stay",
    927: "tests/contract/reports/test_logging.py::test_the_levels_and_handlers_that_an_app_sets_stay",
    1183: "tests/contract/reports/test_logging.py::test_the_levels_and_handlers_that_an_app_sets_stay",
}
"""Threads that other tests answer."""


def cases() -> list[Any]:
    """Return each row with each of its runtimes."""
    return [
        pytest.param(kind, row, id=f"{kind}-{number}-#{row.thread}")
        for number, row in enumerate(ROWS)
        for kind in row.kinds
    ]


@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")  # of #637, where the app is in this process
@pytest.mark.parametrize(("kind", "row"), cases())
def test_the_answer_is_that_of_the_table(clients: Clients, kind: str, row: Row) -> None:
    client: Client = clients.open(kind, row.app, {"API_KEYS": KEY})
    response = client.send(row.request)
    assert response.status == row.status
    assert_body(response, row.body)
    for name, value in row.headers.items():
        wanted = value if isinstance(value, list) else [] if value is None else [value]
        if not (name == "content-length" and kind == "lambda"):
            assert response.all(name) == wanted, name
    for name in ("date", "server", "content-type", "content-length"):
        assert len(response.all(name)) <= 1, name


def assert_body(response: Response, body: Any) -> None:
    if isinstance(body, dict):
        found = response.json()
        assert {name: found.get(name) for name in body} == body
    elif body is not None:
        assert response.body == (body.encode() if isinstance(body, str) else body)


def test_the_page_has_the_threads_that_are_tried_here_and_no_others() -> None:
    listed = threads_of("aws/chalice")
    assert len(listed) == len(set(listed))
    assert set(listed) == {row.thread for row in ROWS} | set(ELSEWHERE)


@pytest.mark.parametrize("test", sorted(set(ELSEWHERE.values())))
def test_a_test_that_answers_a_thread_exists(test: str) -> None:
    file, _, name = test.partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
