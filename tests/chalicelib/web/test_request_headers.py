"""Headers that are lists, as API Gateway and servers pass them on."""

from typing import Any

import pytest
from chalice.app import Request

from chalicelib.web.request_headers import RequestHeaders
from tests.contract.clients.events import rest_event
from tests.contract.clients.messages import Headers
from tests.contract.clients.messages import Request as Sent


def headers_of(event: dict[str, Any]) -> RequestHeaders:
    return RequestHeaders(Request(event))


@pytest.mark.parametrize(
    ("sent", "joined"),
    [
        ([], {}),
        ([("If-Match", '"a"')], {"If-Match": '"a"'}),
        ([("if-match", '"a"'), ("if-match", '"b", "c"')], {"If-Match": '"a", "b", "c"'}),
        ([("IF-MATCH", '"a"'), ("if-match", '"b"'), ("If-Range", '"c"')], {"If-Match": '"a", "b"'}),
        ([("accept", "a"), ("If-Match", "*")], {"Accept": "a", "If-Match": "*"}),
    ],
)
def test_the_lines_of_a_list_are_joined(sent: Headers, joined: dict[str, str]) -> None:
    event = rest_event(Sent("GET", "/product/1", sent))
    assert headers_of(event).joined({"If-Match", "Accept"}) == joined


def test_an_event_with_one_line_of_each_is_enough() -> None:
    """`chalice local` sends no others."""
    event = {**rest_event(Sent("GET", "/", [("If-Match", "*")]))}
    del event["multiValueHeaders"]
    assert headers_of(event).joined({"If-Match"}) == {"If-Match": "*"}


def test_an_event_without_headers_has_none() -> None:
    """API Gateway's console sends one for a test of a method."""
    event = {**rest_event(Sent("GET", "/")), "headers": None, "multiValueHeaders": None}
    assert headers_of(event).joined({"If-Match"}) == {}
