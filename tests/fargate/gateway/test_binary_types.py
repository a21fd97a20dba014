"""API Gateway's rule for binary bodies. The answers for `Accept` are those of a real REST API with such a list."""

import base64
import json

import pytest
from chalice.app import Chalice, Response

from fargate.gateway.binary_types import accepts_binary, is_binary
from fargate.gateway.core import Gateway
from fargate.gateway.integration import Malformed, strictly
from fargate.http.messages import HttpRequest
from fargate.settings import BinaryRule, Settings

TYPES = ["image/png", "application/*", "*/test"]
TEXT = base64.b64encode(b"\xff\0").decode()


@pytest.mark.parametrize(
    ("accept", "binary"),
    [
        (["image/png"], True),
        (["IMAGE/PNG"], True),
        (["image/png;q=0.1"], True),
        ([" image/png , text/html"], True),
        (["image/png;q=0.1, text/html"], True),
        (["application/anything"], True),
        (["application/*"], True),
        (["text/html, image/png"], False),
        (["text/html;q=0.1,image/png"], False),
        (["image/*"], False),
        (["*/*"], False),
        (["random/test"], False),
        (["application"], False),
        ([""], False),
        ([], False),
        (["text/html", "image/png"], False),
        (["image/png", "text/html"], True),
    ],
)
def test_only_the_first_media_type_of_the_first_accept_counts(accept: list[str], binary: bool) -> None:
    headers = [("Host", "x"), *(("Accept", value) for value in accept)]
    assert accepts_binary(headers, TYPES) is binary


@pytest.mark.parametrize("accept", ["text/html", "image/png", "*/*", ""])
def test_with_every_type_on_the_list_every_client_gets_bytes(accept: str) -> None:
    assert accepts_binary([("Accept", accept)], ["*/*"])
    assert accepts_binary([], ["*/*"])


def test_an_empty_list_has_no_binary_type() -> None:
    assert not is_binary("image/png", [])


@pytest.mark.parametrize("binary", [True, False])
def test_base64_is_decoded_for_a_client_that_gets_bytes(binary: bool) -> None:
    result = {"statusCode": 200, "body": TEXT, "isBase64Encoded": True}
    assert strictly(result, binary=binary) == {**result, "isBase64Encoded": binary}


@pytest.mark.parametrize("result", [{"body": "text"}, {"body": "text", "isBase64Encoded": False}, {"body": None}])
def test_text_stays_text_for_every_client(result: dict) -> None:
    assert strictly(result, binary=True) == {**result, "isBase64Encoded": False}


def test_bytes_become_text_as_in_lambdas_json() -> None:
    assert strictly({"body": "\u00e9".encode()}, binary=True) == {"body": "\u00e9", "isBase64Encoded": False}
    with pytest.raises(Malformed):
        strictly({"body": b"\xff"}, binary=True)


def test_what_is_no_result_is_left_to_the_reader() -> None:
    assert strictly(["body"], binary=False) == ["body"]


@pytest.mark.parametrize(("accept", "body"), [("image/png", b"\xff\0"), ("text/html", TEXT.encode())])
def test_the_fast_path_keeps_the_rule(accept: str, body: bytes) -> None:
    gateway = Gateway(Chalice(app_name="pictures"), Settings(binary_media_types=BinaryRule.STRICT))
    arrival = gateway.arrive(HttpRequest("GET", "/", "", [("Accept", accept)], b"", "", "HTTP/1.1", 80))
    answer = Response(b"\xff\0", {"Content-Type": "image/png"})
    assert arrival.context.run(gateway.complete, arrival, answer).body == body


@pytest.mark.parametrize("is_strict", [True, False])
@pytest.mark.parametrize(
    ("content_type", "body", "strict", "lenient"),
    [
        ("application/x-model", b"text", ("dGV4dA==", True), ("dGV4dA==", True)),
        ("text/plain", "\u00e9".encode(), ("\u00e9", False), ("\u00e9", False)),
        ("text/plain", b"\xff\0", ("\ufffd\0", False), (TEXT, True)),
        ("", b"{}", ("e30=", True), ("e30=", True)),  # no type is application/json, which this list holds
        ("image/png", b"", (None, False), (None, False)),
    ],
)
def test_a_body_is_base64_if_its_type_is_binary(
    content_type: str, body: bytes, strict: tuple, lenient: tuple, is_strict: bool
) -> None:
    app = Chalice(app_name="uploads")
    app.api.binary_types = TYPES

    @app.route("/", methods=["POST"], content_types=["*/*"])
    def view() -> list:
        event = app.current_request.to_original_event()
        return [event["body"], event["isBase64Encoded"]]

    rule = BinaryRule.STRICT if is_strict else BinaryRule.LENIENT
    headers = [("Content-Type", content_type)] if content_type else []
    gateway = Gateway(app, Settings(binary_media_types=rule))
    seen = gateway.handle(HttpRequest("POST", "/", "", headers, body, "", "HTTP/1.1", 80)).body
    assert tuple(json.loads(seen)) == (strict if is_strict else lenient)
