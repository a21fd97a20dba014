"""What `chalice local` answers, the adapter answers too; where the two differ, API Gateway does as the adapter.

The projects are in the style of Chalice's samples and workshops. Both servers run in the project's folder, and are sent
the same requests in the same order.
"""

import contextlib
import sys
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from local.ports import free_port
from local.processes import Program
from tests.contract.clients.client import PROJECTS, SERVERS, Client, Clients, ServerClient, served_from
from tests.contract.clients.messages import Request, Response
from tests.contract.runtimes.story import IGNORED
from tests.fixtures.servers import Server, is_ready, passed_on, running

CHALICE_LOCAL = "from chalice.cli import main; main()"
NOT_COMPARED = {*IGNORED, "cache-control"}  # the adapter's own responses say that caches must not keep them
JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
PNG = ("Content-Type", "image/png")
READER = ("Authorization", "reader")
LIBRARIAN = ("Authorization", "librarian")
EVERY_BYTE = bytes(range(256))
BOOK = b'{"isbn":"1","author":"Ada"}'
CLAIMS = urlsafe_b64encode(b'{"cognito:username":"ada"}').decode().rstrip("=")
UNSIGNED = ("Authorization", f"header.{CLAIMS}.signature")


def get(target: str, *headers: tuple[str, str]) -> Request:
    return Request("GET", target, list(headers))


def send(method: str, target: str, body: bytes = b"", *headers: tuple[str, str]) -> Request:
    return Request(method, target, list(headers or [JSON]), body)


LIBRARY = [
    get("/"),
    get("/books"),
    send("POST", "/books", BOOK),
    send("POST", "/books", BOOK),
    send("POST", "/books/", b"{}"),
    send("POST", "/books", b"{"),
    send("POST", "/books"),
    Request("POST", "/books", [], b'{"isbn":"0","author":"Ada"}'),
    send("POST", "/books", BOOK, ("Content-Type", "text/plain")),
    send(
        "POST", "/books", '{"isbn":"2","author":"\u00e9"}'.encode(), ("Content-Type", "application/json; charset=utf-8")
    ),
    get("/books?author=Ada"),
    get("/books?author=Ada&author=%C3%A9"),
    get("/books/1/"),
    send("PUT", "/books/1", b'{"author":"Grace"}'),
    get("/books/1"),
    get("/books/3"),
    get("/me"),
    get("/me", READER),
    get("/shelves/a%20b", READER),
    send("PUT", "/shelves/a", b"{}", LIBRARIAN, JSON),
    send("POST", "/form", b"a=1&b=%20", FORM),
    send("POST", "/form", b"a=1", ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")),
    send("POST", "/form", b"{}"),
    send("POST", "/form", "\u00e9".encode(), ("Content-Type", "text/plain")),
    Request("POST", "/form", [], b"x"),
    get("/see"),
    get("/cookies", ("Cookie", "a=1; b=2")),
    get("/request/a?x=1&x=2&y=&z", ("x-upper", "1")),
    get("/request/a%2Fb?q=%C3%A9+%26"),
    get("/request/caf%C3%A9"),
    get("//request/a"),
    get("/request/a?x=1;y=2"),
    get("/request/a?"),
    get("/request/a?=1&&x"),
    get("/request/a?x=%zz"),
    get("/request/a?a%5B%5D=1"),
    send("POST", "/request/a", b'{"a": 1}'),
    send("PATCH", "/request/a", b'{"a": 1}'),
    send("DELETE", "/request/a", b'{"a": 1}'),
    send("POST", "/json", '{"a": [1, 2.50, null, true, "\u00e9"]}'.encode()),
    send("POST", "/json", b'"text"'),
    send("POST", "/json"),
    send("POST", "/json", b"no JSON"),
    send("POST", "/json", b"\xff"),
    get("/bug"),
]
MEDIA_QUERY = [
    get("/media"),
    send("PUT", "/media/a.png", EVERY_BYTE, PNG),
    send("PUT", "/media/b.bin", b"\0", ("Content-Type", "application/octet-stream")),
    send("PUT", "/media/c.json", b'{"a":1}'),
    send("PUT", "/media/d", b"x", ("Content-Type", "image/gif")),
    send("PUT", "/media/e", EVERY_BYTE, ("Content-Type", "image/png; q=1")),
    send("PUT", "/media/f.png", b"", PNG),
    get("/media?label=new&startswith=a"),
    get("/media/a.png", ("Accept", "image/png")),
    get("/media/a.png", ("Accept", "text/html, image/png")),
    get("/media/a.png", ("Accept", "*/*")),
    get("/media/a.png", ("Accept", "text/html")),
    get("/media/a.png", ("Accept", "image/*")),
    get("/media/a.png"),
    get("/media/b.bin", ("Accept", "application/octet-stream")),
    get("/media/c.json", ("Accept", "image/png")),
    get("/media/none"),
    send("DELETE", "/media/a.png/labels"),
    get("/media?label=new"),
]

DIFFERENT: dict[str, tuple[str, Request, tuple[int, bytes], tuple[int, bytes]]] = {
    "an unknown path is not found: documented": (
        "library",
        get("/nothing"),
        (403, b'{"message": "Missing Authentication Token"}'),
        (404, b'{"message":"Not Found"}'),
    ),
    "a method that no route has does not reach the app": (
        "library",
        send("PATCH", "/books/1", b"{}"),
        (405, b'{"Code":"MethodNotAllowedError","Message":"Unsupported method: PATCH"}'),
        (405, b'{"message":"Method Not Allowed"}'),
    ),
    "without CORS there is no method OPTIONS": (
        "library",
        Request("OPTIONS", "/bug"),
        (200, b""),
        (405, b'{"message":"Method Not Allowed"}'),
    ),
    "what an authorizer says becomes text": (
        "library",
        get("/me", LIBRARIAN),
        (200, b'{"role":"all","level":3,"principalId":"librarian"}'),
        (200, b'{"role":"all","level":"3","principalId":"librarian"}'),
    ),
    "a policy refuses in the same words": (
        "library",
        get("/me", ("Authorization", "nobody")),
        (403, b'{"Message": "User is not authorized to access this resource"}'),
        (403, b'{"Message":"User is not authorized to access this resource"}'),
    ),
    "the last value of a header counts": (
        "library",
        get("/upper", ("X-Upper", "1"), ("X-Upper", "2")),
        (200, b'{"upper":"1"}'),
        (200, b'{"upper":"2"}'),
    ),
    "a parameter keeps its semicolon": (
        "library",
        get("/shelves/a;v=1", READER),
        (200, b'{"shelf":"a","method":"GET"}'),
        (200, b'{"shelf":"a;v=1","method":"GET"}'),
    ),
    "a stage without variables has none": (
        "library",
        get("/stage"),
        (200, b'{"variables":{}}'),
        (200, b'{"variables":null}'),
    ),
    "a Cognito token is verified": (
        "media_query",
        get("/pooled", UNSIGNED),
        (200, b'{"cognito:username":"ada"}'),
        (401, b'{"message":"Unauthorized"}'),
    ),
    "without a token no view is called": (
        "media_query",
        get("/pooled"),
        (500, b'{"Code":"InternalServerError","Message":"An internal server error occurred."}'),
        (401, b'{"message":"Unauthorized"}'),
    ),
    "a signature is needed": (
        "media_query",
        get("/signed"),
        (200, b"{}"),
        (403, b'{"message":"Missing Authentication Token"}'),
    ),
    "a key is needed": ("media_query", get("/keyed"), (200, b"{}"), (403, b'{"message":"Forbidden"}')),
}
STORIES = {"library": LIBRARY, "media_query": MEDIA_QUERY}

Answers = Callable[[str, str], list[Response]]


@pytest.fixture(scope="module")
def answers(clients: Clients) -> Answers:
    """Return what a project answers in a runtime: first to the story, then to what is different there."""

    @cache
    def answered(kind: str, project: str) -> list[Response]:
        if kind == "local":
            with chalice_local(project) as client:
                return play(client, project)
        return play(clients.open(kind, app_of(project)), project)

    return answered


def app_of(project: str) -> str:
    return f"{PROJECTS}{project}.app:app"


@contextlib.contextmanager
def chalice_local(project: str) -> Iterator[Client]:
    """Run Chalice's own server for development."""
    folder, _ = served_from(app_of(project))
    port = free_port()
    command = [sys.executable, "-c", CHALICE_LOCAL, "local", "--no-autoreload", "--port", str(port)]
    environ = {**passed_on(), "AWS_DEFAULT_REGION": "eu-west-1", "PYTHONUNBUFFERED": "1"}
    with tempfile.TemporaryDirectory() as logs:
        program = Program("chalice local", command, log=Path(logs) / "output", environ=environ, folder=folder)
        with running(program, lambda: is_ready(port)) as child:
            yield ServerClient(Server(port, child.process, Path(logs) / "output"))


def play(client: Client, project: str) -> list[Response]:
    """Send a project's requests in their order."""
    return [client.send(request) for request in requests_of(project)]


def requests_of(project: str) -> list[Request]:
    return [*STORIES[project], *(request for of, request, _, _ in DIFFERENT.values() if of == project)]


def compared(response: Response) -> tuple[int, list[tuple[str, str]], bytes]:
    headers = [(name.lower(), value) for name, value in response.headers if name.lower() not in NOT_COMPARED]
    return response.status, sorted(headers), response.body


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize("project", STORIES)
def test_the_adapter_answers_as_chalice_local(project: str, kind: str, answers: Answers) -> None:
    for request, here, there in zip(STORIES[project], answers(kind, project), answers("local", project), strict=False):
        assert compared(here) == compared(there), request


@pytest.mark.parametrize("difference", DIFFERENT)
def test_where_they_differ_the_adapter_does_as_api_gateway(difference: str, answers: Answers) -> None:
    project, request, local, ours = DIFFERENT[difference]
    at = requests_of(project).index(request)
    assert [(each.status, each.body) for each in (answers("local", project)[at], answers("waitress", project)[at])] == [
        local,
        ours,
    ]
