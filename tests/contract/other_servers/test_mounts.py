"""Below a mount, routes match what is left of the path; `requestContext.path` keeps the whole, as with BASE_PATH.

Each case is what a server or an app is known to pass on. The servers themselves are in `test_other_servers.py`.
"""

import asyncio
import json
import threading
from typing import Any
from urllib.parse import quote, unquote

import pytest
from chalice.app import Chalice
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.middleware.proxy_fix import ProxyFix

from fargate.asgi import create_asgi_app
from fargate.http.mounts import split_path
from fargate.settings import Settings
from fargate.wsgi import create_wsgi_app
from tests.apps.mirror import app
from tests.contract.other_servers.asgi import ask, asked
from tests.fixtures.wsgi import call

SETTINGS = Settings(base_path="/api")
WSGI = create_wsgi_app(app, SETTINGS)
ASGI = create_asgi_app(app, SETTINGS)


@pytest.mark.parametrize(
    ("target", "script_name", "path_info", "whole", "path"),
    [
        pytest.param("/m/pets/a%2Fb", "/m", "/pets/a/b", "/m/pets/a%2Fb", "/pets/a%2Fb", id="encoded slash"),
        pytest.param("/%6d/pets/x", "/m", "/pets/x", "/%6d/pets/x", "/pets/x", id="encoded mount"),
        pytest.param("/m%20n/pets/x", "/m n", "/pets/x", "/m%20n/pets/x", "/pets/x", id="blank in the mount"),
        pytest.param("/m/m/pets/x", "/m/m", "/pets/x", "/m/m/pets/x", "/pets/x", id="two mounts"),
        pytest.param("/m/pets/m", "/m", "/pets/m", "/m/pets/m", "/pets/m", id="its name again"),
        pytest.param("/m?x=/m/y", "/m", "", "/m", "/", id="the mount itself"),
        pytest.param("/m/api/pets/x", "/m", "/api/pets/x", "/m/api/pets/x", "/pets/x", id="BASE_PATH below it"),
        pytest.param("http://h/m/pets/x", "/m", "/pets/x", "/m/pets/x", "/pets/x", id="absolute target"),
        pytest.param("/pets/x", "/m", "/pets/x", "/m/pets/x", "/pets/x", id="a proxy has removed it"),
        pytest.param("/pets/x", "/caf\xc3\xa9", "/pets/x", "/caf%C3%A9/pets/x", "/pets/x", id="removed, not ASCII"),
        pytest.param("/n/pets/x", "/m/n", "/pets/x", "/m/n/pets/x", "/pets/x", id="a proxy has removed a part"),
        pytest.param("/old/pets/x%20y", "", "/pets/x y", "/old/pets/x%20y", "/pets/x%20y", id="cut by nginx"),
        pytest.param("/old?x=1", "", "/", "/old", "/", id="cut by nginx to the root"),
        pytest.param("/old", "", "/pets/caf\xc3\xa9", "/pets/caf%C3%A9", "/pets/caf%C3%A9", id="rewritten"),
        pytest.param("/m%2Fpets/x", "/m", "/pets/x", "/m/pets/x", "/pets/x", id="encoded slash between"),
        pytest.param("/m/pets/a%2Fb", "/m", "/pets/a%2Fb", "/m/pets/a%2Fb", "/pets/a%2Fb", id="cheroot leaves %2F"),
        pytest.param("/pets/%ff", "", "/pets/\xff", "/pets/%ff", "/pets/%ff", id="not UTF-8"),
        pytest.param("/m/pets/%ff", "/m", "/pets/\xff", "/m/pets/%ff", "/pets/%ff", id="not UTF-8, below a mount"),
        pytest.param("", "/m", "/pets/a b", "/m/pets/a%20b", "/pets/a%20b", id="no target"),
        pytest.param("", "/m", "", "/m", "/", id="no target, the mount itself"),
    ],
)
def test_wsgi_names_the_mount_and_what_is_left(
    target: str, script_name: str, path_info: str, whole: str, path: str
) -> None:
    named = {"REQUEST_URI": target} if target else {"REQUEST_URI": "", "RAW_URI": ""}
    answer = call(WSGI, "GET", "/", SCRIPT_NAME=script_name, PATH_INFO=path_info, **named)
    assert paths_in(answer.body) == (whole, path)


def paths_in(body: bytes) -> tuple[str, str]:
    event = json.loads(body)["event"]
    return event["requestContext"]["path"], event["path"]


def test_a_prefix_that_a_trusted_proxy_names_is_a_mount() -> None:
    fixed = ProxyFix(WSGI, x_prefix=1)
    answer = call(fixed, "GET", "/pets/a%2Fb", PATH_INFO="/pets/a/b", HTTP_X_FORWARDED_PREFIX="/m")
    assert paths_in(answer.body) == ("/m/pets/a%2Fb", "/pets/a%2Fb")


@pytest.mark.parametrize(
    ("raw_path", "root_path", "scope_path", "whole", "path"),
    [
        pytest.param("/m/pets/a%2Fb", "/m", None, "/m/pets/a%2Fb", "/pets/a%2Fb", id="the specification"),
        pytest.param("/%6d/pets/x", "/m", None, "/%6d/pets/x", "/pets/x", id="encoded mount"),
        pytest.param("/caf%C3%A9/pets/x", "/caf\u00e9", None, "/caf%C3%A9/pets/x", "/pets/x", id="not ASCII"),
        pytest.param("/m%20n/pets/x", "/m%20n", "/m%20n/pets/x", "/m%20n/pets/x", "/pets/x", id="uvicorn, encoded"),
        pytest.param("/m/pets/m", "/m", None, "/m/pets/m", "/pets/m", id="its name again"),
        pytest.param("/m", "/m", None, "/m", "/", id="the mount itself"),
        pytest.param("/m/pets/x", "/m/", None, "/m/pets/x", "/pets/x", id="slash at its end"),
        pytest.param("/mfiles/x", "/m", None, None, None, id="a longer name"),
        pytest.param("/m/api/pets/x", "/m", None, "/m/api/pets/x", "/pets/x", id="BASE_PATH below it"),
        pytest.param("/pets/x", "/m", None, "/m/pets/x", "/pets/x", id="a proxy has removed it"),
        pytest.param("/m/pets/x", "/m", "/pets/x", "/m/pets/x", "/pets/x", id="starlette before 0.33"),
        pytest.param("/m/m/pets/x", "/m", "/m/pets/x", None, None, id="starlette before 0.33, its name again"),
        pytest.param("/old/pets/x", "", "/pets/x", "/old/pets/x", "/pets/x", id="cut by an app"),
        pytest.param("http://h/m/pets/x", "/m", None, "/m/pets/x", "/pets/x", id="absolute target"),
        pytest.param("/m/pets/%ff", "/m", None, "/m/pets/%ff", "/pets/%ff", id="not UTF-8"),
        pytest.param(None, "", "", "/", "/", id="no path at all"),
        pytest.param(None, "/m", "/m/pets/a b", "/m/pets/a%20b", "/pets/a%20b", id="no raw path"),
    ],
)
def test_asgi_names_the_mount(
    raw_path: str | None, root_path: str, scope_path: str | None, whole: str | None, path: str | None
) -> None:
    scope = {"raw_path": raw_path and raw_path.encode(), "root_path": root_path}
    status, body = asked(ASGI, path=scope_path or unquote(raw_path or ""), **scope)
    if path is None:
        assert status == 404
    else:
        assert paths_in(body) == (whole, path)


def test_a_probe_below_a_mount_waits_for_no_thread() -> None:
    busy, released = threading.Event(), threading.Event()
    held = Chalice("held")

    @held.route("/hold")
    def hold() -> Any:
        busy.set()
        released.wait(20)
        return {}

    async def probed() -> int:
        asgi = create_asgi_app(held, Settings(threads=1))
        holding = asyncio.ensure_future(ask(asgi, path="/hold", raw_path=b"/hold"))
        await asyncio.to_thread(busy.wait, 20)
        status, _ = await asyncio.wait_for(ask(asgi, path="/m/livez", raw_path=b"/m/livez", root_path="/m"), 10)
        released.set()
        await holding
        return status

    assert asyncio.run(probed()) == 200


@given(
    taken=st.lists(st.text(st.characters(exclude_characters="/", codec="utf-8"), max_size=5), max_size=2),
    left=st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=2),
)
@example(["a"], ["a"])
@example([], ["/"])
def test_what_is_left_keeps_its_spelling(taken: list[str], left: list[str]) -> None:
    mount, rest = ("".join(f"/{quote(each, safe='')}" for each in segments) for segments in (taken, left))
    assert split_path(mount + rest, unquote(mount), unquote(rest)) == (mount, rest)
