"""An access line that is concatenated from JSON texts equals the serialized one."""

import contextlib
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fargate.http.identifiers import IdentifierSource
from fargate.telemetry.log_lines import MOST_BYTES, RequestFormatter, weighted
from fargate.telemetry.redaction import bounded
from fargate.telemetry.request_record import RequestRecord
from fargate.telemetry.request_scope import RequestScope, enter_scope, no_scope

CREATED = 1_795_521_600.25
TEXTS = st.text(max_size=40)


def lines(formatter: RequestFormatter, exchange: RequestRecord) -> list[dict[str, Any]]:
    """Return the line concatenated twice, then serialized because a handler has appended a key."""
    with new_request() as scope:
        found = [formatter.access_line("INFO", exchange, CREATED) for _ in range(2)]
        scope.log_keys[id(formatter)] = {"order": 7, "weight": "heavy"}
        found.append(formatter.access_line("INFO", exchange, CREATED))
    return [json.loads(weighted(line, 20)) for line in found]


@given(
    st.sampled_from(["GET", "_OTHER"]),
    TEXTS,
    st.integers(200, 599),
    st.floats(0, 1000),
    st.integers(0),
    TEXTS,
    st.none() | TEXTS,
)
def test_concatenated_and_serialized_lines_are_equal(
    method: str, route: str, status: int, seconds: float, length: int, client: str, cache: str | None
) -> None:
    formatter = RequestFormatter({"service": 'a "shop"', "colour": "red"})
    exchange = RequestRecord(method, route, status, seconds, min(length, 2**63), client, cache)
    first, second, built = lines(formatter, exchange)
    assert built.pop("order") == 7
    assert first.pop("http") == pytest.approx(built.pop("http"))
    second.pop("http")
    assert first == second == built
    assert built["weight"] == 20


def test_the_order_of_the_fields() -> None:
    exchange = RequestRecord("GET", "/product/{id}", 200, 0.0123, 42, "10.0.0.1", "hit")
    (line, *_) = lines(RequestFormatter({"service": "shop"}), exchange)
    assert list(line) == [
        *("level", "message", "timestamp", "service", "correlation_id", "xray_trace_id", "request_id"),
        *("http", "client_ip", "cache", "weight"),
    ]
    assert line["http"] == {
        "method": "GET",
        "route": "/product/{id}",
        "status": 200,
        "duration_ms": 12.3,
        "bytes": 42,
    }


@contextlib.contextmanager
def new_request() -> Iterator[RequestScope]:
    """Serve a request while the block runs."""
    scope = RequestScope(None, IdentifierSource(1).next(None, None, CREATED))
    with no_scope():
        enter_scope(scope)
        yield scope


@given(st.text(), st.integers(30, 100))
def test_a_bounded_text_has_no_more_bytes_and_a_short_one_is_the_same(text: str, most: int) -> None:
    encoded = text.encode("utf-8", "backslashreplace")
    cut = bounded(text, most)
    assert len(cut.encode("utf-8", "backslashreplace")) <= most
    assert (cut == text) == (len(encoded) <= most)


@pytest.mark.parametrize("message", ["x" * 40_000, "é" * 12_000])
def test_a_message_and_each_field_is_cut(message: str) -> None:
    record = logging.makeLogRecord({"msg": message, "extra": {"deep": [message]}})
    line = RequestFormatter({}).format(record)
    assert len(line.encode()) < 3 * MOST_BYTES
    assert json.loads(line)["message"].endswith(f"... ({len(message.encode())} bytes)")
