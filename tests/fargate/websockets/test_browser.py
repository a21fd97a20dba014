"""A real browser talks to the project, from a page of the same server."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from local.waiting import wait_until
from tests.fargate.websockets.conftest import SECONDS, Sockets
from tests.fixtures.tools import give_up

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--no-first-run")

CONVERSATION = """
new Promise(resolve => {
  const heard = [], socket = new WebSocket(`ws://${location.host}/?protocol=chat`, ["news", "chat"]);
  socket.onopen = () => { heard.push(socket.protocol); socket.send("good morning \\u2600"); };
  socket.onmessage = event => { heard.push(event.data); socket.send("close"); socket.onmessage = null; };
  socket.onclose = event => resolve(JSON.stringify([...heard, event.code, event.wasClean]));
})
"""
REFUSED = """
new Promise(resolve => {
  const heard = [], socket = new WebSocket(`ws://${location.host}/?status=401`);
  socket.onopen = () => heard.push("open");
  socket.onclose = event => resolve(JSON.stringify([...heard, event.code, event.wasClean]));
})
"""


class Browser:
    """Chromium, through its DevTools protocol."""

    def __init__(self, wire: ClientConnection) -> None:
        self._wire = wire
        self._numbers = count(1)

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Return what the browser answers."""
        number = next(self._numbers)
        call = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        self._wire.send(json.dumps(call))
        while (answer := json.loads(self._wire.recv(SECONDS))).get("id") != number:
            pass
        result: dict[str, Any] = answer["result"]
        return result

    def evaluate(self, url: str, script: str) -> Any:
        """Open a page and return what a promise in it gives, which is JSON."""
        target = self.call("Target.createTarget", url=url)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        assert wait_until(
            lambda: self._value(session, "document.readyState + location.href") == "complete" + url, SECONDS
        )
        return json.loads(self._value(session, script))

    def _value(self, session: str, script: str) -> Any:
        evaluated = self.call("Runtime.evaluate", session, expression=script, awaitPromise=True)
        return evaluated["result"].get("value")


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, BROWSERS)), None) or give_up(
        f"none of {BROWSERS} is on the PATH: make browser-tools installs one"
    )
    port_file = tmp_path / "DevToolsActivePort"
    process = subprocess.Popen(
        [program, *OPTIONS, f"--user-data-dir={tmp_path}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert wait_until(lambda: port_file.exists() and port_file.read_text().count("\n") > 0, SECONDS)
        port, path = port_file.read_text().splitlines()
        with connect(f"ws://127.0.0.1:{port}{path}", max_size=None) as wire:
            yield Browser(wire)
    finally:
        process.terminate()
        process.wait(SECONDS)


def test_a_browser_has_a_conversation_and_is_refused(sockets: Sockets, browser: Browser) -> None:
    page = f"{sockets.server.url}/seen"
    assert browser.evaluate(page, CONVERSATION) == ["chat", "good morning \u2600", 1000, True]
    assert browser.evaluate(page, REFUSED) == [1006, False]
