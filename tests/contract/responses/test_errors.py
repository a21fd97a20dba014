"""What a client receives if the app fails, and that the server survives."""

import pytest

from tests.apps.responses import ESCAPES
from tests.contract.clients.client import GATEWAYS, RUNTIMES, SERVERS, Client, ServerClient, client_of
from tests.contract.clients.connection import wire
from tests.contract.clients.messages import Request

RESPONSES = "tests.apps.responses:app"

client = client_of(RESPONSES, RUNTIMES)
gateway = client_of(RESPONSES, GATEWAYS)
server = client_of(RESPONSES, SERVERS)
limited = client_of(RESPONSES, SERVERS, MAX_HEADER_BYTES="1024", MAX_BODY_BYTES="1000")
few = client_of(RESPONSES, SERVERS, THREADS="2")

CHALICE_ERRORS = {
    "BadRequestError": 400,
    "UnauthorizedError": 401,
    "ForbiddenError": 403,
    "NotFoundError": 404,
    "MethodNotAllowedError": 405,
    "RequestTimeoutError": 408,
    "ConflictError": 409,
    "UnprocessableEntityError": 422,
    "TooManyRequestsError": 429,
    "ChaliceViewError": 500,
}


@pytest.mark.parametrize(("name", "status"), CHALICE_ERRORS.items(), ids=CHALICE_ERRORS.keys())
def test_chalices_errors_keep_their_format(client: Client, name: str, status: int) -> None:
    response = client.get(f"/error/{name}")
    assert (response.status, response.json()) == (status, {"Code": name, "Message": "because"})


def test_an_unexpected_error_gets_chalices_500_without_details(client: Client) -> None:
    response = client.get("/fault")
    assert response.status == 500
    assert response.json() == {"Code": "InternalServerError", "Message": "An internal server error occurred."}


@pytest.mark.parametrize("name", ESCAPES)
def test_an_exception_that_escapes_the_app_gets_502(gateway: Client, name: str) -> None:
    response = gateway.get(f"/escape/{name}")
    assert (response.status, response.json()) == (502, {"message": "Internal server error"})


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (Request("GET", "/nothing"), 404),
        (Request("DELETE", "/plain/x"), 404),
        (Request("DELETE", "/fault"), 405),
        (Request("GET", "/escape/SystemExit"), 502),
        (Request("GET", "/malformed/0"), 502),
        (Request("GET", "/fault", [("Host", "another.example")]), 400),
        (Request("GET", "/fault", [("X-Long", "x" * 1024)]), 431),
        (Request("POST", "/response/200", [], b"x" * 1001), 413),
    ],
)
def test_no_cache_keeps_an_error_of_the_gateway(limited: Client, request_: Request, status: int) -> None:
    """Some caches keep them if nothing forbids it: a 404 or 405 by RFC 9110, more of them CloudFront."""
    response = limited.send(request_)
    assert (response.status, response.header("cache-control")) == (status, "no-store")


def test_a_refused_head_gets_no_body(server: ServerClient) -> None:
    with server.connected() as connection:
        connection.send(wire(Request("HEAD", "/fault", [("Host", "another.example")]), "Connection: close"))
        assert [response.status for response in connection.rest("HEAD")] == [400], "nothing follows the headers"


@pytest.mark.parametrize("path", ["/response/404", "/error/NotFoundError", "/fault", "/native/dict"])
def test_the_apps_own_responses_are_its_own(limited: Client, path: str) -> None:
    assert limited.get(path).header("cache-control") is None


def test_an_exception_that_escapes_is_logged_with_its_traceback(server: ServerClient) -> None:
    server.get("/escape/Quitting")
    log = server.server.awaited_output("Quitting escaped the app at /escape/{name}")
    assert "raise ESCAPES[name]" in log


def test_threads_survive_exceptions_that_escape(few: ServerClient) -> None:
    """If SystemExit ended a thread, its client would wait for ever, and soon no thread would be left."""
    for _ in range(5):
        for name in ESCAPES:
            assert few.get(f"/escape/{name}").status == 502
    assert few.get("/native/dict").status == 200
