"""Call a WSGI app in this process, held to the specification by the standard library's validator."""

import io
from typing import Any, NamedTuple
from wsgiref.validate import validator


class Answer(NamedTuple):
    """What a WSGI app answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return a header's first value."""
        return next((value for each, value in self.headers if each.lower() == name.lower()), None)


def call(app: Any, method: str, target: str, body: bytes = b"", **environ: Any) -> Answer:
    """Send one request; `environ` adds to or replaces what a server would say of it."""
    path, _, query = target.partition("?")
    given: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        given[:] = [int(status.split()[0]), headers]
        return lambda data: None

    full = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "REQUEST_URI": target,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "3000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **environ,
    }
    chunks = validator(app)(full, start_response)
    try:
        content = b"".join(chunks)
    finally:
        chunks.close()
    return Answer(given[0], given[1], content)


def post(app: Any, target: str, body: bytes) -> Answer:
    """POST a body."""
    return call(app, "POST", target, body)
