"""`wsgi.input` is read to the end of the body, however little it returns at a time, and never beyond (PEP 3333)."""

import io
import json
from typing import Any

import pytest

from fargate.asgi import create_asgi_app
from fargate.settings import Settings
from fargate.wsgi import create_wsgi_app
from tests.apps.mirror import app
from tests.contract.other_servers.asgi import asked
from tests.fixtures.wsgi import Answer, call

LIMIT = 10
APP = create_wsgi_app(app, Settings(max_body_bytes=LIMIT))
CHUNKED = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}


class Input(io.RawIOBase):
    """Returns at most `most` bytes a read, as uWSGI and servers without a buffer do."""

    def __init__(self, body: bytes, most: int = 2, fault: Exception | None = None) -> None:
        self.rest = body
        self._most = most
        self._fault = fault

    def read(self, size: int = -1) -> bytes:
        if self._fault and not self.rest:
            raise self._fault
        taken = self._most if size < 0 else min(self._most, size)
        piece, self.rest = self.rest[:taken], self.rest[taken:]
        return piece


def posted(stream: Input, **environ: Any) -> Answer:
    return call(APP, "POST", "/mirror", **{"wsgi.input": stream, **environ})


def body_of(answer: Answer) -> bytes:
    assert answer.status == 200
    return bytes.fromhex(json.loads(answer.body)["body"])


def test_a_body_in_pieces_arrives_whole() -> None:
    assert body_of(posted(Input(b"hello"), CONTENT_LENGTH="5")) == b"hello"
    assert body_of(posted(Input(b"hello"), **CHUNKED, **{"wsgi.input_terminated": True})) == b"hello"


def test_what_follows_the_body_is_left() -> None:
    stream = Input(b"helloGET /", most=100)
    assert body_of(posted(stream, CONTENT_LENGTH="5")) == b"hello"
    assert stream.rest == b"GET /"


@pytest.mark.parametrize("fault", [None, OSError("timeout during read")])
def test_a_body_that_ends_early_gets_400(fault: Exception | None) -> None:
    assert posted(Input(b"hel", fault=fault), CONTENT_LENGTH="5").status == 400


def test_malformed_chunks_get_400() -> None:
    stream = Input(b"hel", fault=OSError("Invalid chunk header"))
    assert posted(stream, **CHUNKED, **{"wsgi.input_terminated": True}).status == 400


def test_a_body_whose_end_the_server_does_not_know_gets_411() -> None:
    answer = posted(Input(b"5\r\nhello\r\n0\r\n\r\n"), **CHUNKED)
    assert (answer.status, json.loads(answer.body)) == (411, {"message": "Length Required"})


def test_a_length_of_more_digits_than_python_reads_gets_413() -> None:
    """Such as werkzeug passes on; the validator itself cannot read it."""
    digits = 4301 * "9"

    def wsgi_app(environ: dict[str, Any], start_response: Any) -> Any:
        return APP({**environ, "CONTENT_LENGTH": digits}, start_response)

    framed = [(b"host", b"x"), (b"content-length", digits.encode())]
    assert call(wsgi_app, "POST", "/mirror").status == 413
    assert asked(create_asgi_app(app), path="/", raw_path=b"/", headers=framed)[0] == 413


def test_two_framings_get_400() -> None:
    """A proxy in front may have seen another request in these bytes (RFC 9112, section 6.3)."""
    stream = Input(b"hello")
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "5", "wsgi.input_terminated": True}
    assert posted(stream, **environ).status == 400


@pytest.mark.parametrize("framing", [{"CONTENT_LENGTH": str(LIMIT + 1)}, {**CHUNKED, "wsgi.input_terminated": True}])
def test_no_more_than_the_limit_is_kept(framing: dict[str, Any]) -> None:
    stream = Input(b"x" * 1000)
    assert posted(stream, **framing).status == 413
    assert len(stream.rest) >= 1000 - LIMIT - 2
