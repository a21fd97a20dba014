"""An app that traces as Powertools' documentation shows, with a Tracer created in a handler, and with the SDK."""

import asyncio
import contextlib
import importlib
import sqlite3
import sys
from collections.abc import Iterator
from typing import Any

from aws_lambda_powertools import Tracer
from chalice.app import Chalice

app = Chalice("traced")
tracer = Tracer(service="traced")


@tracer.capture_method
def priced(number: int) -> int:
    found: Any = tracer.provider.current_subsegment()
    found.put_annotation("number", number)
    found.put_metadata("order", {"lines": {number}, "by": Customer("ann")})
    return shipped(number)


@tracer.capture_method
def shipped(number: int) -> int:
    return number + 1


@tracer.capture_method
async def awaited() -> int:
    async with tracer.provider.in_subsegment_async("## inside"):
        await asyncio.sleep(0)
    return 1


@tracer.capture_method
@contextlib.contextmanager
def opened() -> Iterator[int]:
    yield 1


@tracer.capture_method
def ordered() -> None:
    failing()


@tracer.capture_method
def failing() -> None:
    raise ValueError("no stock")


class Customer:
    """A type that JSON cannot hold."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._secret = "secret"


@app.route("/priced/{number}")
def prices(number: str) -> dict[str, int]:
    tracer.put_annotation("asked", number)
    return {"price": priced(int(number))}


@app.route("/awaited")
def awaits() -> dict[str, int]:
    with opened() as one:
        return {"sum": one + asyncio.run(awaited())}


@app.route("/fails")
def fails() -> None:
    ordered()


@app.route("/late")
def late() -> dict[str, bool]:
    """Create a Tracer in a handler, and annotate with it."""
    Tracer(service="late", auto_patch=False).put_annotation("made", "late")
    return {"sdk": has_sdk()}


@app.route("/patched")
def patched() -> dict[str, bool]:
    """Have the SDK trace a library, and use the library."""
    late_tracer = Tracer(service="late", auto_patch=False)
    late_tracer.patch(["sqlite3"])
    with late_tracer.provider.in_subsegment("outer"):
        sqlite3.connect(":memory:").execute("SELECT 1").close()
    return {"sdk": has_sdk()}


@app.route("/sdk")
def sdk() -> dict[str, bool]:
    """Use the SDK and the Tracer together."""
    xray_recorder = importlib.import_module("aws_xray_sdk.core").xray_recorder
    with xray_recorder.in_subsegment("outer") as outer:
        outer.put_annotation("of", "the SDK")
        priced(1)
        with xray_recorder.in_subsegment("inner", namespace="remote"):
            pass
    return {"sdk": has_sdk()}


def has_sdk() -> bool:
    return "aws_xray_sdk.core" in sys.modules
