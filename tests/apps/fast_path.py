"""An app with a fast path; its answers say what gave them."""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from chalice.app import Chalice, Response

app = Chalice("fast-path")
HANDLER = "the handler"


def answer(said: object, **headers: Any) -> Response:
    return Response(said, {"Content-Type": "text/plain", **headers})


@app.route("/thing/{name}")
def thing(name: str) -> Response:
    return answer(HANDLER)


@app.route("/unchanged")
def unchanged() -> Response:
    return Response("", {"ETag": '"1"'}, 304)


@app.route("/both/{name}", methods=["GET", "HEAD"])
def both(name: str) -> Response:
    return answer(HANDLER)


@app.route("/thing/{name}", methods=["POST"], api_key_required=True)
def keyed(name: str) -> Response:
    return answer(HANDLER)


@app.route("/cors/{name}", cors=True)
def open_to_all(name: str) -> Response:
    return answer(HANDLER)


@app.route("/readyz")
def readyz() -> Response:
    return answer(HANDLER)


seen: ContextVar[str] = ContextVar("seen", default="nothing")
gate = asyncio.Event()


def release() -> Response:
    gate.set()
    return answer("released")


def failing() -> Response:
    raise RuntimeError("on purpose")


def remembering(value: str) -> Response:
    """Answer with what the context holds, and leave something there."""
    found = seen.get()
    seen.set(value)
    return answer(found)


def logging_one() -> Response:
    logging.getLogger("fargate").warning("logged on the fast path")
    return answer("logged")


IN_MEMORY: dict[str, Callable[[Any], Response]] = {
    "at-once": lambda headers: answer(threading.current_thread().name),
    "colour": lambda headers: answer("blue"),
    "release": lambda headers: release(),
    "large": lambda headers: answer("x" * 1_000_000),
    "fails": lambda headers: failing(),
    "header": lambda headers: answer(headers.get("x-colour"), Colour="blue"),
    "list": lambda headers: Response(headers.joined({"Host", "X-Colours", "X-Unsent"})),
    "cookies": lambda headers: answer("two", **{"Set-Cookie": ["a=1", "b=2"]}),
    "bytes": lambda headers: Response(b"\x00\x01", {"Content-Type": "application/octet-stream"}),
    "json": lambda headers: Response({"said": "json"}),
    "evil": lambda headers: answer("evil", Evil="a\r\nB: c"),
    "nothing": lambda headers: Response("", {"ETag": '"1"'}, 304),
    "context": lambda headers: remembering("memory"),
    "log": lambda headers: logging_one(),
}


def from_memory(parameters: Mapping[str, str], headers: Any) -> Response | None:
    found = IN_MEMORY.get(parameters["name"])
    return found and found(headers)


async def from_loop(parameters: Mapping[str, str], headers: Any) -> Response | None:
    name = parameters["name"]
    if name in ("held", "held-for-nothing"):
        seen.set(name)
        await gate.wait()
        return answer("held") if name == "held" else None
    await asyncio.sleep(0)
    if name == "fails-later":
        failing()
    if name == "context-later":
        return remembering("loop")
    return answer("later") if name == "later" else None


app.fast_path = {  # type: ignore[attr-defined]
    ("GET", "/thing/{name}"): (from_memory, from_loop),
    ("GET", "/both/{name}"): (from_memory, from_loop),
    ("HEAD", "/both/{name}"): (from_memory, from_loop),
}
