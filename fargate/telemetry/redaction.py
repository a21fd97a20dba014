"""Replaces secrets in log lines: those of the process, and those of the request being served.

Known secrets are searched for in each line. That finds them in messages of exceptions too, which may quote a header, a
body or a connection string.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from fargate.http.messages import HttpRequest

REDACTED = "[redacted]"
SHORTEST = 4
"""Shorter values are not replaced: they occur in ordinary text."""

SECRET_HEADERS = frozenset({"Authorization", "Cookie", "Proxy-Authorization", "X-Amz-Security-Token", "X-Api-Key"})
_PAIRS = "WEBSOCKET_ACCESS_KEYS"
"""Its values are a key's id, a colon and the secret."""
_NO_SECRETS = frozenset({"none", "true", "false"})
_SECRET_WORDS = ("KEY", "PASSWORD", "SECRET", "TOKEN")


def process_secrets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the secrets in environment variables: values of names such as API_KEYS, and passwords in URLs."""
    found: set[str] = set()
    for name, value in environ.items():
        if any(word in name for word in _SECRET_WORDS) and not value.startswith("arn:"):
            parts = [part.strip() for part in value.split(",")]
            found.update(part for part in parts if part.lower() not in _NO_SECRETS)
            found.update(part.partition(":")[2] for part in parts if name == _PAIRS)
        elif name.endswith("_URL"):
            found.update(_passwords_in(value))
    return _longest_first(found)


def _passwords_in(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    options = (option.partition("=") for option in parts.query.split("&"))
    for password in (parts.password, *(value for name, _, value in options if name.endswith("password"))):
        if password:
            yield password
            yield unquote(password)


def request_secrets(request: HttpRequest) -> tuple[str, ...]:
    """Return a request's secrets: credentials, its body, and the texts in a JSON body."""
    found = {value for name, value in request.headers if name in SECRET_HEADERS}
    body = request.body.decode("utf-8", "replace")
    found.update((body, body.strip()))
    with contextlib.suppress(ValueError, RecursionError):
        found.update(_texts_in(json.loads(body)))
    return _longest_first(found)


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts_in(each)


def _longest_first(texts: Iterable[str]) -> tuple[str, ...]:
    """Order texts by length, so that replacing one never leaves a part of a longer one."""
    return tuple(sorted((each for each in texts if len(each) >= SHORTEST), key=len, reverse=True))


def redact(text: str, secrets: Iterable[str]) -> str:
    """Replace every secret in a text, as it is and as `repr` and JSON write it."""
    for secret in secrets:
        for form in {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], repr(secret.encode())[2:-1]}:
            if form in text:
                text = text.replace(form, REDACTED)
    return text


def bounded(text: str, most_bytes: int) -> str:
    """Cut a text so that it has at most so many bytes in UTF-8, and let its end say how long it was."""
    if len(text) * 4 <= most_bytes:  # UTF-8 has at most four bytes for a character
        return text
    encoded = text.encode("utf-8", "backslashreplace")
    if len(encoded) <= most_bytes:
        return text
    end = f"... ({len(encoded)} bytes)"
    return encoded[: most_bytes - len(end)].decode("utf-8", "ignore") + end
