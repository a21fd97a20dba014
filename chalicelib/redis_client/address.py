"""The address of Redis: `rediss://user:password@host:6379/0?ssl_ca_certs=/path`, or `unix:///path?db=0`."""

import functools
import os
import re
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from chalicelib.redis_client.url_options import read_options, whole
from chalicelib.stores import names
from chalicelib.stores.names import SocketAddress

FORM = (
    "must look like rediss://user:password@host:6379/0 or unix:///path?db=0;"
    " a password's / ? # [ ] @ % are written %2F %3F %23 %5B %5D %40 %25"
)
DEFAULT_PORT = 6379
NO_FLAGS = ssl.VerifyFlags(0)
LONGEST_PATH = 107  # bytes of the path of a Unix socket on Linux (unix(7))
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How the server is verified, and what this client shows it. The names are redis-py's."""

    ssl_ca_certs: str | None = None  # a file
    ssl_ca_path: str | None = None  # a folder
    ssl_ca_data: str | None = None  # certificates in PEM
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_password: str | None = field(default=None, repr=False)  # of the key
    ssl_cert_reqs: str = "required"
    ssl_check_hostname: bool = True
    ssl_min_version: ssl.TLSVersion | None = None
    ssl_ciphers: str | None = None
    ssl_include_verify_flags: ssl.VerifyFlags = NO_FLAGS
    ssl_exclude_verify_flags: ssl.VerifyFlags = NO_FLAGS


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """The parts of the URL. The options have the names that redis-py uses."""

    host: str  # empty for a Unix socket
    port: int
    db: int
    username: str
    password: str | None = field(repr=False)
    tls: TlsOptions | None = None
    path: str = ""  # of a Unix socket
    client_name: str = ""
    socket_connect_timeout: float | None = None  # seconds
    socket_timeout: float | None = None  # seconds

    @property
    def place(self) -> str:
        """Where the server is, for messages."""
        return self.path or f"{self.host}:{self.port}"

    def connect(self, seconds: float) -> socket.socket:
        """Connect, all within `seconds`. Raises OSError."""
        if self.path:
            return names.connect_to(self._unix_address(), seconds)
        return names.connect(self.host, self.port, seconds)

    def socket_addresses(self, seconds: float) -> Sequence[SocketAddress]:
        """Return the addresses to try, one after the other. Raises what `names.addresses_of` does."""
        return [self._unix_address()] if self.path else names.addresses_of(self.host, self.port, seconds)

    def tls_context(self) -> ssl.SSLContext | None:
        """Return the TLS context, or None for no TLS. Raises nothing after `parse_redis_url`, which has made it."""
        return None if self.tls is None else _tls_context(self.tls)

    def _unix_address(self) -> SocketAddress:
        return SocketAddress(socket.AF_UNIX, self.path)


@functools.cache
def _tls_context(options: TlsOptions) -> ssl.SSLContext:
    """Cached: reading the system's certificates takes longer than a request to Redis may."""
    context = ssl.create_default_context(
        cafile=options.ssl_ca_certs, capath=options.ssl_ca_path, cadata=options.ssl_ca_data
    )
    context.check_hostname = options.ssl_check_hostname and options.ssl_cert_reqs != "none"
    if options.ssl_cert_reqs == "none":
        context.verify_mode = ssl.CERT_NONE
    context.verify_flags |= options.ssl_include_verify_flags
    context.verify_flags &= ~options.ssl_exclude_verify_flags
    if options.ssl_certfile or options.ssl_keyfile:  # with an empty password, OpenSSL does not ask the terminal for one
        context.load_cert_chain(options.ssl_certfile or "", options.ssl_keyfile, options.ssl_password or "")
    if options.ssl_min_version is not None:
        context.minimum_version = options.ssl_min_version
    if options.ssl_ciphers is not None:
        context.set_ciphers(options.ssl_ciphers)
    return context


def parse_redis_url(text: str) -> RedisAddress:
    """Parse a URL; blanks around it do not count.

    Raises:
        ValueError: it is not a URL of Redis, or its TLS options cannot be used. The message never contains a password.
    """
    text = text.strip()
    try:
        url = urlsplit(text)
    except ValueError:
        raise ValueError(FORM) from None
    is_unix = url.scheme == "unix"
    is_readable = text.isprintable() and "#" not in text and (is_unix or "@" not in url.path + url.query)
    if url.scheme not in ("redis", "rediss", "unix") or not is_readable:
        raise ValueError(FORM)
    place = _unix_place(url) if is_unix else _host_place(url)
    return _address(url, place, read_options(url.query, has_tls=url.scheme == "rediss"))


def _address(url: SplitResult, place: dict[str, Any], options: dict[str, Any]) -> RedisAddress:
    """Join the parts. As in redis-py, ?db= beats the path, and the login before the @ beats that of the options."""
    tls = {name: options.pop(name) for name in list(options) if name.startswith("ssl_")}
    username, password = options.pop("username", ""), options.pop("password", None)
    address = RedisAddress(
        **(place | options),
        username=unquote(url.username or "") or username,
        password=unquote(url.password) if url.password else password,
        tls=TlsOptions(**tls) if url.scheme == "rediss" else None,
    )
    try:
        address.tls_context()
    except (OSError, TypeError, ValueError) as error:
        raise ValueError(f"has {', '.join(tls) or 'rediss://'} that cannot be used: {error}") from None
    return address


def _host_place(url: SplitResult) -> dict[str, Any]:
    host = unquote(url.hostname or "")
    if "/" in host:
        raise ValueError("has a file where its host belongs: for a Unix socket, say unix:///path")
    if not _is_host(host):
        raise ValueError(FORM)
    try:
        db = whole(url.path.removeprefix("/") or "0")
    except ValueError:
        raise ValueError("has a database that is not a whole number, as the 0 in rediss://host:6379/0") from None
    return {"host": host, "port": _port(url), "db": db}


def _port(url: SplitResult) -> int:
    try:
        port = DEFAULT_PORT if url.port is None else url.port
    except ValueError:
        port = 0
    if not port:
        raise ValueError("has a port that is not a number from 1 to 65535")
    return port


def _is_host(host: str) -> bool:
    try:
        if ":" in host:
            return bool(ip_address(host))
        return _HOST.fullmatch(host.encode("idna").decode()) is not None
    except ValueError:
        return False


def _unix_place(url: SplitResult) -> dict[str, Any]:
    path = unquote(url.path)
    if url.hostname or len(path) < 2:
        raise ValueError("must look like unix:///path?db=0 for a Unix socket")
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise ValueError(f"has a path of more than {LONGEST_PATH} bytes, the most that a Unix socket may have")
    return {"host": "", "port": 0, "db": 0, "path": path}
