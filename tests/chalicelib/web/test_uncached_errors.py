"""The errors that Chalice makes itself are not for caches either."""

import json
from typing import Any

import pytest
from chalice.app import Response

from chalicelib.web.uncached_errors import UncachedErrors
from tests.contract.clients.client import lambda_context
from tests.contract.clients.events import rest_event
from tests.contract.clients.messages import Request

app = UncachedErrors("errors")


@app.route("/fault")
def fault() -> Response:
    raise LookupError("a fault in the handler")


@app.route("/json", methods=["POST"])
def json_only() -> dict[str, str]:
    return {}


@app.route("/own")
def own() -> Response:
    return Response("", {"Cache-Control": "max-age=5"}, 404)


def answer(method: str, path: str, *headers: tuple[str, str]) -> dict[str, Any]:
    event = rest_event(Request(method, path, list(headers)), path)
    result: dict[str, Any] = json.loads(json.dumps(app(event, lambda_context())))
    return result


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/fault", 500), ("POST", "/json", 415), ("PUT", "/json", 405)]
)
def test_no_cache_keeps_an_error_that_chalice_makes(method: str, path: str, status: int) -> None:
    error = answer(method, path, *[("Content-Type", "text/xml")] * (method == "POST"))
    assert (error["statusCode"], error["headers"]["Cache-Control"]) == (status, "no-store")


def test_what_a_handler_says_stays() -> None:
    assert answer("GET", "/own")["headers"]["Cache-Control"] == "max-age=5"
    assert "Cache-Control" not in answer("POST", "/json")["headers"]
