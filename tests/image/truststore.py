"""Where the shop's image gets the CAs of its databases from, in Amazon's place: an authority of the tests'."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from local.ports import LOOPBACK
from tests.fixtures.certificates import Authority

BUNDLE = "/global-bundle.pem"
APOLOGY = "/apology.pem"
"""What a proxy may say in place of a bundle, with status 200."""


@dataclass(frozen=True, slots=True)
class Truststore:
    """A server that publishes one authority's certificate."""

    authority: Authority
    port: int

    @property
    def url(self) -> str:
        """Where the bundle is."""
        return f"http://{LOOPBACK}:{self.port}{BUNDLE}"

    @property
    def apology(self) -> str:
        """Where something else is, under a name that promises a bundle."""
        return f"http://{LOOPBACK}:{self.port}{APOLOGY}"


@contextlib.contextmanager
def serving_truststore(folder: Path) -> Iterator[Truststore]:
    """Publish a new authority until the block ends."""
    authority = Authority(folder)
    bodies = {BUNDLE: authority.file.read_bytes(), APOLOGY: b"<html>Sign in to go on</html>"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bodies.get(self.path)
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Truststore(authority, server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
