"""An HTTP registry of images, in place of ECR: it records what is pushed, and under which names."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from local.ports import LOOPBACK


def digest_of(content: bytes) -> str:
    """Return the digest of content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(slots=True)
class Registry:
    """The pushed blobs by digest, and the pushed manifests by name."""

    address: str = ""
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)


class Handler(BaseHTTPRequestHandler):
    """The part of the distribution API that a push needs."""

    protocol_version = "HTTP/1.1"
    registry: Registry

    def do_GET(self) -> None:
        """Answer that this is a registry."""
        self._answer(200 if self.path == "/v2/" else 404)

    def do_HEAD(self) -> None:
        """Answer whether something exists."""
        name = self.path.rpartition("/")[2]
        self._answer(200 if name in {**self.registry.blobs, **self.registry.manifests} else 404)

    def do_POST(self) -> None:
        """Start the upload of a blob."""
        self._body()
        place = f"{self.path.rstrip('/')}/{len(self.registry.uploads)}"
        self.registry.uploads[place] = b""
        self._answer(202, Location=place)

    def do_PATCH(self) -> None:
        """Receive a part of a blob."""
        self.registry.uploads[self.path] += self._body()
        self._answer(202, Location=self.path)

    def do_PUT(self) -> None:
        """End the upload of a blob, or receive a manifest."""
        url, body = urlsplit(self.path), self._body()
        if found := re.fullmatch(r"/v2/.+/manifests/(.+)", url.path):
            self.registry.manifests[found[1]] = body
            return self._answer(201, Docker_Content_Digest=digest_of(body))
        content = self.registry.uploads.pop(url.path) + body
        (digest,) = parse_qs(url.query)["digest"]
        if digest != digest_of(content):
            return self._answer(400)
        self.registry.blobs[digest] = content
        return self._answer(201)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def serving_registry() -> Iterator[Registry]:
    """Serve an empty registry on a free port."""
    registry = Registry()
    with ThreadingHTTPServer((LOOPBACK, 0), type("Bound", (Handler,), {"registry": registry})) as server:
        registry.address = f"{LOOPBACK}:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield registry
        finally:
            server.shutdown()
            thread.join()
