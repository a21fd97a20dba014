"""The SDK's recorder, once configured, leaves sampling and sending to the adapter.

In a process of its own: importing the SDK changes the process. `tests/fargate/telemetry/xray/test_tracer.py` shows the
segments.
"""

import subprocess
import sys

from tests.fixtures.servers import ROOT

CONFIGURED = """
from contextvars import ContextVar
from aws_lambda_powertools import Tracer
from aws_xray_sdk.core import xray_recorder
from fargate.patches import powertools_tracer, xray_sdk

opened_at_import = xray_recorder.emitter._socket
powertools_tracer.enable_outside_lambda()
recorder = xray_sdk.shared_recorder("shop", object(), ContextVar("opened", default=()))
print("the SDK's socket:", opened_at_import.fileno())
Tracer(service="shop", provider=xray_recorder, auto_patch=False)
print("streaming threshold:", recorder.streaming_threshold)
"""


def test_a_tracer_with_the_sdk_as_provider_does_not_stream_subsegments_and_no_socket_stays_open() -> None:
    run = subprocess.run(
        [sys.executable, "-c", CONFIGURED], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.splitlines() == ["the SDK's socket: -1", "streaming threshold: 1000"]
