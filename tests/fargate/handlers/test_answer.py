"""Results and errors are written as Lambda's own runtime client, awslambdaric, writes them."""

import dataclasses
import datetime
import enum
import json
import math
import uuid
from collections import OrderedDict, deque, namedtuple
from decimal import Decimal
from typing import Any

import pytest
from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_exception import FaultException
from awslambdaric.lambda_runtime_log_utils import LogFormat
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

from fargate.handlers.answer import MarshalError, failure, marshal
from fargate.handlers.catalog import Handler, find_handler
from fargate.telemetry.xray.entities import Segment
from tests.fargate.handlers.conftest import STAGE, Invoke

Point = namedtuple("Point", "x y")
Number = enum.IntEnum("Number", "ONE")
Name = enum.StrEnum("Name", "A")


@dataclasses.dataclass
class Order:
    """JSON does not hold it."""

    id: int = 1


VALUES = [
    None,
    True,
    1,
    10**30,
    1.5,
    math.nan,
    math.inf,
    'é€\u2028\x00"\\',
    "\udc80",
    b"raw \xff",
    Decimal("1.10"),
    Decimal("NaN"),
    Decimal("1E+5"),
    Point(1, [Decimal("0.1")]),
    (1, 2),
    OrderedDict(a=1),
    {1: 2, None: 3, False: 4, 1.5: 5, "b": b"\xc3\xa9", b"k": Number.ONE, Name.A: Name.A},
]
NOT_JSON = [
    {"a": b"\xff"},
    {(1,): 1},
    {1, 2},
    deque([1]),
    datetime.date(2026, 1, 1),
    uuid.UUID(int=0),
    Order(),
    {"deep": [Order()]},
    bytearray(b"x"),
    1 + 2j,
    iter([1]),
]


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> LambdaMarshaller:
    monkeypatch.setenv("AWS_EXECUTION_ENV", "AWS_Lambda_python3.13")
    return LambdaMarshaller()


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_result_has_lambdas_bytes(runtime: LambdaMarshaller, value: Any) -> None:
    expected, _ = runtime.marshal_response(value)
    if isinstance(expected, str):
        expected = f"{expected}\n".encode("utf-8", "backslashreplace")
    assert marshal(value) == expected


@pytest.mark.parametrize("value", NOT_JSON, ids=lambda value: type(value).__name__)
def test_what_json_cannot_hold_is_refused_in_lambdas_words(runtime: LambdaMarshaller, value: Any) -> None:
    with pytest.raises(FaultException) as expected:
        runtime.marshal_response(value)
    with pytest.raises(MarshalError) as error:
        marshal(value)
    assert str(error.value) == expected.value.msg


def test_a_circle_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(MarshalError, match="Unable to marshal response: "):
        marshal(circle)


class Client:
    """Where the runtime client posts what it has made of an invocation."""

    def __init__(self) -> None:
        self.marshaller = LambdaMarshaller()
        self.posted = ""

    def post_invocation_error(self, invoke_id: str, error: str, *_: Any) -> None:
        self.posted = error


class Sink:
    """Takes log lines."""

    def log_error(self, lines: list[str]) -> None: ...


def posted_by_lambda(handler: Handler, event: Any, request_id: str) -> dict[str, Any]:
    """Return the error that the runtime client posts for a handler's call."""
    assert bootstrap._AWS_LAMBDA_LOG_FORMAT == LogFormat.TEXT
    client = Client()
    body = json.dumps(event)
    bootstrap.handle_event_request(
        client, handler.call, request_id, body, "application/json", None, None, "arn", 0, None, Sink()
    )
    posted: dict[str, Any] = json.loads(client.posted)
    return posted


@pytest.mark.parametrize(
    ("name", "event", "error_type"),
    [
        ("raises", None, "OrderLost"),
        ("returns", "time", "Runtime.MarshalError"),
        ("returns", "nothing", "KeyError"),
        ("jobs_nightly", {}, "KeyError"),
    ],
)
def test_an_error_has_lambdas_shape(
    handlers: list[Handler], invoke: Invoke, name: str, event: Any, error_type: str
) -> None:
    answer = json.loads(invoke(name, event).payload)
    handler = find_handler(handlers, name, "handlers", STAGE)
    assert answer == posted_by_lambda(handler, event, answer["requestId"])
    assert answer["errorType"] == error_type


class Unprintable(Exception):
    """Its text cannot be made."""

    def __str__(self) -> str:
        raise AttributeError


def test_an_error_that_has_no_text_is_answered_and_traced_too() -> None:
    error = Unprintable()
    answer = json.loads(failure(error, "some-id"))
    assert (answer["errorType"], answer["errorMessage"]) == ("Unprintable", "<exception str() failed>")
    segment = Segment("a", "1-2-3", None)
    segment.add_exception(error, [])
    assert segment.facts["cause"]["exceptions"][0]["message"] == "<exception str() failed>"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SystemExit(3), "Runtime exited with error: exit status 3"),
        (SystemExit("why"), "Runtime exited with error: exit status 1"),
        (SystemExit(0), "Runtime exited without providing a reason"),
        (SystemExit(), "Runtime exited without providing a reason"),
        (KeyboardInterrupt(), "Runtime exited with error: exit status 1"),
    ],
    ids=repr,
)
def test_what_ends_lambdas_runtime_is_an_error_of_its_own(error: BaseException, reason: str) -> None:
    answer = json.loads(failure(error, "some-id"))
    assert answer == {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: some-id Error: {reason}"}
