"""Headers as WSGI servers pass them on, which check and join them each in its own way."""

import json

import pytest

from fargate.settings import Settings
from fargate.wsgi import create_wsgi_app
from tests.apps.mirror import app
from tests.fixtures.wsgi import call

LIMIT = 2000
APP = create_wsgi_app(app, Settings(max_header_bytes=LIMIT))


@pytest.mark.parametrize(("size", "status"), [(LIMIT - 200, 200), (LIMIT, 431)])
@pytest.mark.parametrize("part", ["HTTP_X_LONG", "QUERY_STRING"])
def test_the_limit_holds_where_the_server_has_none(part: str, size: int, status: int) -> None:
    """As in cheroot."""
    assert call(APP, "GET", "/mirror", **{part: "x" * size}).status == status


def test_blanks_around_a_value_are_not_part_of_it() -> None:
    """As uWSGI leaves them (RFC 9110, section 5.5)."""
    event = json.loads(call(APP, "GET", "/mirror", HTTP_X_BLANK="\t a b \t ").body)["event"]
    assert event["headers"]["X-Blank"] == "a b"
