"""Other people's servers, each with a command line as its documentation writes it, and with a mount."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from local.ports import LOOPBACK, http_status
from tests.contract.clients.client import ServerClient
from tests.fixtures.servers import serving_by

ENTRY = "tests.contract.other_servers.entry"
MOUNT = "/mount"


class Lack(Enum):
    """What a server does not pass on, so that the adapter cannot know; fargate/README.md says so."""

    SPELLING = "the request's target: %2F in a path is a slash"
    URLS = "a target that is a URL"
    UNDERSCORES = "whether a header's name has an underscore or a hyphen"
    REPEATED = "all lines of a header that comes twice"
    CHUNKS = "chunked bodies"
    DENIALS = "the response to a refused WebSocket, which is 403 then"


@dataclass(frozen=True, slots=True)
class OtherServer:
    """A server and how it mounts the app at /mount.

    Args:
        command: `{entry}` is the module `entry.py`.
        mounted_by: the library whose dispatcher has the app at the root and at /mount.
        script_name: the variable SCRIPT_NAME, gunicorn's way to mount an app.
        base: what a client writes before every path, because the whole server is mounted.
        sends_mount: False if a proxy in front has removed the mount from the request's target.
        lacks: what it does not pass on.
        is_threaded: whether it serves several requests at the same time.
    """

    command: str
    mounted_by: str = ""
    script_name: str = ""
    base: str = ""
    sends_mount: bool = True
    lacks: frozenset[Lack] = frozenset()
    is_threaded: bool = True


OTHER_SERVERS = {
    "gunicorn": OtherServer(
        "gunicorn --bind 127.0.0.1:{port} --forwarded-allow-ips= {entry}:wsgi",
        script_name=MOUNT,
        base=MOUNT,
        is_threaded=False,
    ),
    "gunicorn with threads": OtherServer(
        "gunicorn --bind 127.0.0.1:{port} --forwarded-allow-ips= --threads 8 {entry}:mounted", mounted_by="werkzeug"
    ),
    "gunicorn's ASGI": OtherServer(
        "gunicorn --bind 127.0.0.1:{port} --forwarded-allow-ips= --worker-class asgi --preload --root-path /mount "
        "{entry}:asgi",
        sends_mount=False,
        lacks=frozenset({Lack.DENIALS}),
    ),
    "uWSGI": OtherServer(
        "uwsgi --http-socket 127.0.0.1:{port} --master --die-on-term --threads 8 --module {entry}:wsgi "
        "--mount /mount={entry}:wsgi --manage-script-name",
        lacks=frozenset({Lack.UNDERSCORES, Lack.CHUNKS}),
    ),
    "waitress-serve": OtherServer(
        "waitress-serve --listen 127.0.0.1:{port} --threads 8 --no-clear-untrusted-proxy-headers "
        "--url-prefix /mount {entry}:wsgi",
        base=MOUNT,
    ),
    "cheroot": OtherServer(
        "cheroot --bind 127.0.0.1:{port} {entry}:mounted",
        mounted_by="cheroot",
        lacks=frozenset({Lack.URLS, Lack.UNDERSCORES, Lack.REPEATED}),
    ),
    "granian's WSGI": OtherServer(
        "granian --interface wsgi --port {port} --blocking-threads 8 --url-path-prefix /mount {entry}:wsgi",
        base=MOUNT,
        lacks=frozenset({Lack.SPELLING, Lack.UNDERSCORES}),
    ),
    "uvicorn": OtherServer("uvicorn --port {port} --no-proxy-headers {entry}:mounted", mounted_by="starlette"),
    "uvicorn with h11": OtherServer(
        "uvicorn --port {port} --no-proxy-headers --http h11 --root-path /mount {entry}:asgi",
        sends_mount=False,
        lacks=frozenset({Lack.URLS}),
    ),
    "hypercorn": OtherServer("hypercorn --bind 127.0.0.1:{port} {entry}:mounted", mounted_by="hypercorn"),
    "granian": OtherServer(
        "granian --interface asgi --port {port} --url-path-prefix /mount {entry}:asgi", sends_mount=False
    ),
    "werkzeug": OtherServer("python -m {entry} {port}", mounted_by="werkzeug"),
}


@contextlib.contextmanager
def running(server: OtherServer, **environ: str) -> Iterator[ServerClient]:
    """Run a server with these settings of the adapter until the block ends."""
    settings = {"PYTHONPATH": ".", **environ}
    named = {"MOUNTED_BY": server.mounted_by, "SCRIPT_NAME": server.script_name}
    settings |= {name: value for name, value in named.items() if value}

    def command(port: int) -> list[str]:
        program, *arguments = server.command.format(port=port, entry=ENTRY).split()
        return [str(Path(sys.executable).with_name(program)), *arguments]

    def ready(port: int, host: str) -> bool:
        return http_status(LOOPBACK, port, server.base + "/readyz") == 200

    with serving_by(command, settings, ready) as started:
        yield ServerClient(started)
