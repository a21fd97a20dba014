"""Powertools' loggers keep the keys of requests apart."""

import contextlib
import io
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from fargate.http.identifiers import IdentifierSource
from fargate.telemetry.log_lines import make_powertools_safe
from fargate.telemetry.request_scope import RequestScope, enter_scope, no_scope


@contextlib.contextmanager
def request() -> Iterator[RequestScope]:
    """Serve a request while the block runs."""
    with no_scope():
        enter_scope(scope := RequestScope(None, IdentifierSource().next(None, None, 0)))
        yield scope


@pytest.mark.parametrize(("scope", "is_apart"), [(request, True), (no_scope, False)], ids=["in requests", "outside"])
def test_two_requests_do_not_see_each_others_keys(
    scope: Callable[[], contextlib.AbstractContextManager[RequestScope | None]], is_apart: bool
) -> None:
    make_powertools_safe()
    formatter, both = LambdaPowertoolsFormatter(), threading.Barrier(2, timeout=10)

    def seen_by(user: str) -> object:
        with scope():
            formatter.append_keys(user=user)
            both.wait()
            return formatter.log_format["user"]

    with ThreadPoolExecutor(2) as pool:
        assert (list(pool.map(seen_by, ("ann", "bob"))) == ["ann", "bob"]) is is_apart


def test_a_logger_that_a_handler_creates_keeps_its_fields_for_later_requests() -> None:
    make_powertools_safe()
    written = io.StringIO()
    with request():
        logger = Logger(service="made late", stream=written, colour="red")
        logger.append_keys(order=7)
        logger.info("first")
    with request():
        logger.info("second")
    first, second = map(json.loads, written.getvalue().splitlines())
    assert (first["service"], first["colour"], first["order"]) == ("made late", "red", 7)
    assert (second["service"], second["colour"]) == ("made late", "red")
    assert "order" not in second


def test_a_line_has_the_trace_id_of_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-67891233-0000000000000000000000000;Sampled=1")
    make_powertools_safe()
    written = io.StringIO()
    logger = Logger(service="traced", stream=written)
    with request() as scope:
        logger.info("inside")
    logger.info("outside")
    inside, outside = map(json.loads, written.getvalue().splitlines())
    assert inside["xray_trace_id"] == scope.ids.trace_id
    assert "xray_trace_id" not in outside
