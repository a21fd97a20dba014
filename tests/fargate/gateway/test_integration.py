"""What the log says of a result that is no response; tests/contract/responses has what clients receive."""

import logging

import pytest

from fargate.errors import BadGateway
from fargate.gateway.integration import read_response
from tests.apps.responses import MALFORMED

REASONS = {
    "nothing": "it is no dictionary",
    "a status above": "statusCode is no number between 200 and 599",
    "a body that is a number": "its body is neither text nor bytes",
    "half of a surrogate pair": "its body has half of a surrogate pair",
    "no base64": "isBase64Encoded is true, and its body is not base64",
    "headers that are a list": "its headers are no dictionary",
    "a header with a DEL": "the value of X-A has a line break or another control character",
    "many values with a line feed": "the value of X-A has a line break or another control character",
    "a header's name with a space": "'X A' is no name of a header",
    "many values that are one text": "multiValueHeaders has no list of values for 'X-A'",
}


@pytest.mark.parametrize("form", MALFORMED)
def test_the_log_says_what_is_wrong(form: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(BadGateway):
        read_response(MALFORMED[form])
    (line,) = caplog.messages
    assert line.startswith("The app's response is malformed: ")
    assert REASONS.get(form, "") in line
