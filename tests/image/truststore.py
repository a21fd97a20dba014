"""A server of the databases' CA bundle, in Amazon's place, with an authority of the tests."""

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
"""A proxy's page in place of a bundle, with status 200."""


@dataclass(frozen=True, slots=True)
class Truststore:
    """A server that publishes one authority's certificate."""

    authority: Authority
    port: int

    @property
    def url(self) -> str:
        """The URL of the bundle."""
        return f"http://{LOOPBACK}:{self.port}{BUNDLE}"

    @property
    def apology(self) -> str:
        """The URL of a page that is no bundle, under a bundle's name."""
        return f"http://{LOOPBACK}:{self.port}{APOLOGY}"


@contextlib.contextmanager
def serving_truststore(folder: Path) -> Iterator[Truststore]:
    """Serve the bundle of a new authority until the block ends."""
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
            """Log nothing."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Truststore(authority, server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
