"""Events and contexts."""

import json

from hypothesis import given
from hypothesis import strategies as st

from fargate.gateway.context import FunctionIdentity, LambdaContext
from fargate.gateway.event import EventBuilder
from fargate.gateway.routing import Match, Route
from fargate.http.identifiers import IdentifierSource
from fargate.http.messages import HttpRequest


@given(
    body=st.binary(max_size=64),
    text=st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=20),
    path=st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=20),
)
def test_an_event_is_json_whatever_bytes_the_request_has(body: bytes, text: str, path: str) -> None:
    builder = EventBuilder("", 0, "000000000000", ["image/png"])
    request = HttpRequest("POST", f"/{path}", text, [("X-Text", text), ("Host", text)], body, "::1", "HTTP/1.1", 80)
    match = Match(Route("/{p}", {}), {"p": path})
    event = builder.build(request, f"/{path}", match, IdentifierSource(1).next(text, None, 0), 0)
    assert json.loads(json.dumps(event)) == event
    json.dumps(event, ensure_ascii=False).encode()


def test_the_remaining_time_counts_down_to_zero() -> None:
    now = [100.0]
    context = LambdaContext(FunctionIdentity("f", "eu-west-1", "s"), "id", 29, clock=lambda: now[0])
    assert context.get_remaining_time_in_millis() == 29_000
    now[0] += 1.5
    assert context.get_remaining_time_in_millis() == 27_500
    now[0] += 100
    assert context.get_remaining_time_in_millis() == 0
