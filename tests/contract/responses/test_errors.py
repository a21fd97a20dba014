"""What a client receives if the app fails, and that the server survives."""

import pytest

from tests.apps.responses import ESCAPES
from tests.contract.clients.client import GATEWAYS, RUNTIMES, SERVERS, Client, ServerClient, client_of

RESPONSES = "tests.apps.responses:app"

client = client_of(RESPONSES, RUNTIMES)
gateway = client_of(RESPONSES, GATEWAYS)
server = client_of(RESPONSES, SERVERS)
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
