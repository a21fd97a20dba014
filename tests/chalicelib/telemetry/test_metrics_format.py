"""The metrics have the format that the Accept header prefers."""

import pytest
from prometheus_client import CollectorRegistry

from chalicelib.telemetry.metrics_format import format_for

TEXT = "text/plain; version=0.0.4; charset=utf-8"
TEXT_1 = "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
OF_PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/*", TEXT),
        ("application/json", TEXT),
        ("application/openmetrics-text", OPENMETRICS),
        ("Application/OpenMetrics-Text; Version=1.0.0", f"{OPENMETRICS}; escaping=underscores"),
        (OF_PROMETHEUS, f"{OPENMETRICS}; escaping=allow-utf-8"),
        # quality values
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text; Q=0.000", TEXT),
        ("application/openmetrics-text;version=1.0.0;q=0, */*", TEXT),
        ("application/openmetrics-text;q=0.5, text/plain;version=0.0.4", TEXT),
        ("text/plain;q=0.5, application/openmetrics-text;q=0.6", OPENMETRICS),
        ("application/openmetrics-text;q=0.5, text/plain;version=1.0.0;q=0.9", TEXT_1),
        ("application/openmetrics-text, text/plain", OPENMETRICS),
        ("text/plain, application/openmetrics-text", TEXT),
        # not to be understood
        ("application/openmetrics-text;q=high", TEXT),
        ("application/openmetrics-text;q=nan", TEXT),
        ("application/openmetrics-text;q=2", TEXT),
        ("application/openmetrics-text;version=abc", TEXT),
        ("application/openmetrics-text;version=99.0.0", TEXT),
        ("application/openmetrics-text;version=0.0.1", TEXT),
        ("text/plain;version=x, application/openmetrics-text;q=0.1", OPENMETRICS),
        ("version =1.0.0;version=abc", TEXT),
        (",;,=;q", TEXT),
    ],
)
def test_the_format_is_the_one_that_is_preferred(accept: str, content_type: str) -> None:
    encode, chosen = format_for(accept)
    assert chosen == content_type
    assert encode(CollectorRegistry()) == (b"# EOF\n" if chosen.startswith(OPENMETRICS[:20]) else b"")
