"""/openapi.json describes the existing routes, and the server conforms to it under fuzzing."""

import contextlib
import json
from unittest import SkipTest

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import positive_data_acceptance
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation

from app import app
from chalicelib.web import openapi
from tests.chalicelib.web.conftest import KEY
from tests.fixtures.servers import Server


def test_it_lists_exactly_the_existing_routes_and_methods(shop: httpx.Client) -> None:
    document = shop.get("/openapi.json").json()
    described = {
        (path, method.upper()) for path, item in document["paths"].items() for method in item if method != "parameters"
    }
    assert described == {(path, method) for path, methods in app.routes.items() for method in methods}


def test_it_marks_exactly_the_routes_that_require_a_key(shop: httpx.Client) -> None:
    document = shop.get("/openapi.json").json()
    for path, methods in app.routes.items():
        for method, entry in methods.items():
            assert ("security" in document["paths"][path][method.lower()]) == bool(entry.api_key_required)


DESCRIPTION = schemathesis.openapi.from_dict(json.loads(openapi.DOCUMENT))
EXAMPLES = {"head": 5}  # as GET, which has many
OPERATIONS = [operation.ok() for operation in DESCRIPTION.get_all_operations()]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_the_server_conforms_to_it_for_valid_and_invalid_requests(
    server: Server, operation: APIOperation, mode: GenerationMode
) -> None:
    """Each response is one that the document allows, and never a 500."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES.get(operation.method, 40), deadline=None, suppress_health_check=list(HealthCheck))
    def send(case: schemathesis.Case) -> None:
        response = case.call(base_url=server.url, headers={"x-api-key": KEY})
        # Valid by itself: another version is stored, or the id in the path is another one, which no schema can say.
        is_valid = response.status_code == 412 or b" in the body and " in response.content
        case.validate_response(response, excluded_checks=[positive_data_acceptance] if is_valid else [])

    with contextlib.suppress(Unsatisfiable, SkipTest):  # a route without parameters has no invalid requests
        send()
