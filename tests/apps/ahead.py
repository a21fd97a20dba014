"""An app that answers some requests ahead: served from a loop, the answers tell who gave them."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from typing import Any

from chalice.app import Chalice, Response

app = Chalice("ahead")
HANDLER = "the handler"


def answer(said: object, **headers: Any) -> Response:
    return Response(said, {"Content-Type": "text/plain", **headers})


@app.route("/thing/{name}")
def thing(name: str) -> Response:
    return answer(HANDLER)


@app.route("/both/{name}", methods=["GET", "HEAD"])
def both(name: str) -> Response:
    return answer(HANDLER)


@app.route("/thing/{name}", methods=["POST"], api_key_required=True)
def keyed(name: str) -> Response:
    return answer(HANDLER)


@app.route("/cors/{name}", cors=True)
def open_to_all(name: str) -> Response:
    return answer(HANDLER)


async def later(said: str | None) -> Response | None:
    await asyncio.sleep(0)
    return None if said is None else answer(said)


gate = asyncio.Event()


async def held(said: str | None) -> Response | None:
    await gate.wait()
    return None if said is None else answer(said)


def release(_: Any) -> Response:
    gate.set()
    return answer("released")


def failing(_: Any) -> Response:
    raise RuntimeError("on purpose")


AHEAD: dict[str, Callable[[Any], Any]] = {
    "at-once": lambda headers: answer(threading.current_thread().name),
    "colour": lambda headers: answer("blue"),
    "later": lambda headers: later("later"),
    "never": lambda headers: later(None),
    "held": lambda headers: held("held"),
    "held-for-nothing": lambda headers: held(None),
    "release": release,
    "large": lambda headers: answer("x" * 1_000_000),
    "fails": failing,
    "header": lambda headers: answer(headers.get("x-colour"), Colour="blue"),
    "cookies": lambda headers: answer("two", **{"Set-Cookie": ["a=1", "b=2"]}),
    "bytes": lambda headers: Response(b"\x00\x01", {"Content-Type": "application/octet-stream"}),
    "json": lambda headers: Response({"said": "json"}),
    "evil": lambda headers: answer("evil", Evil="a\r\nB: c"),
    "nothing": lambda headers: Response("", {"ETag": '"1"'}, 304),
}


SOON = ("later", "never", "held", "held-for-nothing")


def answer_ahead(method: str, route: str, parameters: Mapping[str, str], headers: Any, can_await: bool) -> Any:
    at_hand = AHEAD.get(parameters["name"])
    return at_hand(headers) if at_hand and (can_await or parameters["name"] not in SOON) else None


app.answer_ahead = answer_ahead  # type: ignore[attr-defined]
