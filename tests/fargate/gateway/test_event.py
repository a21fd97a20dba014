"""Events and contexts."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fargate.gateway.context import FunctionIdentity, LambdaContext
from fargate.gateway.event import EventBuilder
from fargate.gateway.routing import Match, Route
from fargate.http.identifiers import IdentifierSource
from fargate.http.messages import HttpRequest
from tests.fixtures.servers import ROOT, passed_on
from tests.fixtures.tools import give_up


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


IN_GERMAN = """
import json, locale, sys, time
from fargate.auth.cognito import claim_text
from fargate.gateway.event import EventBuilder
from fargate.gateway.routing import Match, Route
from fargate.http.identifiers import IdentifierSource
from fargate.http.messages import HttpRequest

locale.setlocale(locale.LC_ALL, "de_DE")
request = HttpRequest("GET", "/", "", [], b"", "::1", "HTTP/1.1", 80)
now, ids = 1_791_000_000, IdentifierSource(1).next(None, None, 0)
event = EventBuilder("", 0, "000000000000", []).build(request, "/", Match(Route("/", {}), None), ids, now)
month = time.strftime("%b", time.gmtime(now))
print(json.dumps([month, event["requestContext"]["requestTime"], claim_text("exp", now)]))
"""


def test_dates_are_english_whatever_language_the_app_speaks(tmp_path: Path) -> None:
    made = ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(tmp_path / "de_DE")]
    if shutil.which("localedef") is None or subprocess.run(made, capture_output=True, check=False).returncode:
        give_up("this machine cannot make a locale: that needs localedef")
    environ = {**passed_on(), "LOCPATH": str(tmp_path)}
    command = [sys.executable, "-c", IN_GERMAN]
    ran = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(ran.stdout) == ["Okt", "03/Oct/2026:04:00:00 +0000", "Sat Oct 03 04:00:00 UTC 2026"]
