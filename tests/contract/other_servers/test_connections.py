"""What an event says of the connection, where it is not plain HTTP over TCP: TLS in the server, and Unix sockets."""

import json
from typing import Any

import pytest

from fargate.asgi import create_asgi_app
from fargate.settings import Settings
from fargate.wsgi import create_wsgi_app
from tests.apps.mirror import app
from tests.contract.other_servers.asgi import asked
from tests.fixtures.wsgi import call

WSGI = create_wsgi_app(app, Settings())
ASGI = create_asgi_app(app, Settings())
FORGED = {"X-Forwarded-Proto": "gopher", "X-Forwarded-Port": "1", "X-Forwarded-For": "10.9.9.9"}


def test_tls_that_a_server_ends_itself_is_https() -> None:
    by_wsgi = call(WSGI, "GET", "/mirror", **{"wsgi.url_scheme": "https"}, **forged_environ())
    _, by_asgi = asked(ASGI, path="/mirror", scheme="https", headers=forged_headers())
    for body in (by_wsgi.body, by_asgi):
        assert json.loads(body)["event"]["headers"]["X-Forwarded-Proto"] == "https"


@pytest.mark.parametrize(("said", "scheme"), [({"HTTPS": "on"}, "https"), ({}, "http")])
def test_the_scheme_of_uwsgi_is_not_what_a_client_says(said: dict[str, str], scheme: str) -> None:
    environ = {"uwsgi.version": b"2.0.30", "wsgi.url_scheme": "https", **said}
    event = json.loads(call(WSGI, "GET", "/mirror", **environ).body)["event"]
    assert event["headers"]["X-Forwarded-Proto"] == scheme


def test_at_a_unix_socket_forged_headers_do_not_reach_the_app() -> None:
    by_wsgi = call(WSGI, "GET", "/mirror", SERVER_PORT="localhost", REMOTE_ADDR="", **forged_environ())
    _, by_asgi = asked(ASGI, path="/mirror", server=("/run/s", None), client=None, headers=forged_headers())
    for body in (by_wsgi.body, by_asgi):
        event = json.loads(body)["event"]
        assert event["requestContext"]["localPort"] is None
        assert [event["headers"][name] for name in FORGED] == ["http", "", ""]


def test_the_port_is_a_number_though_granian_passes_a_text_on() -> None:
    _, body = asked(ASGI, path="/mirror", server=("127.0.0.1", "8000"))
    assert json.loads(body)["event"]["requestContext"]["localPort"] == 8000


def forged_environ() -> dict[str, Any]:
    return {"HTTP_" + name.upper().replace("-", "_"): value for name, value in FORGED.items()}


def forged_headers() -> list[tuple[bytes, bytes]]:
    return [(b"host", b"x"), *((name.lower().encode(), value.encode()) for name, value in FORGED.items())]
