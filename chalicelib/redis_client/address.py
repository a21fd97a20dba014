"""The address of Redis: `rediss://user:password@host:6379/0?ssl_ca_certs=/path`."""

import functools
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

FORM = "must look like rediss://user:password@host:6379/0"
_SECONDS = ("socket_connect_timeout", "socket_timeout")
_OPTIONS = (*_SECONDS, "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs")


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """The parts of the URL. The options have the names that redis-py uses."""

    host: str
    port: int
    db: int
    tls: bool
    username: str
    password: str | None
    socket_connect_timeout: float | None = None  # seconds
    socket_timeout: float | None = None  # seconds
    ssl_ca_certs: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_cert_reqs: str = "required"

    def tls_context(self) -> ssl.SSLContext | None:
        """Return the TLS context, or None for no TLS. Raises OSError if a certificate cannot be read."""
        if not self.tls:
            return None
        return _tls_context(self.ssl_ca_certs, self.ssl_certfile, self.ssl_keyfile, self.ssl_cert_reqs == "none")


@functools.cache
def _tls_context(
    ca_certs: str | None, certfile: str | None, keyfile: str | None, is_unverified: bool
) -> ssl.SSLContext:
    """Cached: reading the system's certificates takes longer than a request to Redis may."""
    context = ssl.create_default_context(cafile=ca_certs)
    if certfile is not None:
        context.load_cert_chain(certfile, keyfile)
    if is_unverified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def parse_redis_url(text: str) -> RedisAddress:
    """Parse a URL.

    Raises:
        ValueError: it is not a URL of Redis. The message never contains the password.
    """
    try:
        url = urlsplit(text)
        options: dict[str, Any] = dict(parse_qsl(url.query))
        port, db = url.port or 6379, int(options.pop("db", url.path.strip("/") or 0))
        options |= {name: float(options[name]) for name in _SECONDS if name in options}
    except ValueError:
        raise ValueError(FORM) from None
    if url.scheme not in ("redis", "rediss") or not url.hostname:
        raise ValueError(FORM)
    if unknown := set(options) - set(_OPTIONS):
        raise ValueError(f"has unknown options: {', '.join(sorted(unknown))}")
    if options.get("ssl_cert_reqs", "required") not in ("required", "none"):
        raise ValueError("has ssl_cert_reqs that is neither required nor none")
    password = unquote(url.password) if url.password is not None else None
    return RedisAddress(
        url.hostname, port, db, url.scheme == "rediss", unquote(url.username or ""), password, **options
    )
