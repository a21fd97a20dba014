"""DATABASE_URL, as libpq reads it: `postgresql://user:password@host:5432/shop?sslmode=verify-full`.

What the URL asks for is done, or stops the start by its name. No error contains the password.

Reference: PostgreSQL's documentation, "Connection URIs" and "Parameter Key Words" (libpq).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from chalicelib.stores.credentials import Credentials

FORM = "must look like postgresql://user:password@host:5432/shop?sslmode=verify-full"
SEVERAL_HOSTS = "names several hosts: name one, such as a proxy or a DNS name that follows the primary"
SCHEMES = ("postgresql", "postgres")
DEFAULT_PORT = 5432
LOOPBACK = ("localhost", "127.0.0.1", "::1")

CHOICES = {
    "sslmode": ("disable", "require", "verify-ca", "verify-full"),
    "prepared_statements": ("auto", "off"),
    "channel_binding": ("prefer", "require"),
    "target_session_attrs": ("any", "primary", "read-write"),
    "client_encoding": ("auto", "utf8", "UTF8"),
    "gssencmode": ("disable", "prefer"),
    "keepalives": ("1",),
    "load_balance_hosts": ("disable",),
    "sslnegotiation": ("postgres",),
    "sslsni": ("1",),
}
"""Options with the values that can be honoured. A login always asks for a primary, UTF-8 and keep-alive."""

PLACE = ("host", "port", "dbname", "user", "password")
"""Parts of the URL that libpq also takes as options, which then win."""

TEXTS = ("application_name", "connect_timeout", "options", "sslrootcert", "sslcert", "sslkey")

_BLANK = re.compile(r"[\s\x00-\x1f\x7f]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """The address of PostgreSQL, without the credentials, which may rotate. The options have libpq's names."""

    host: str  # or the folder of a Unix socket, which begins with a slash
    port: int
    database: str
    sslmode: str  # one of CHOICES
    sslrootcert: str | None = None  # a file of CA certificates, or None for the system's
    sslcert: str | None = None  # the client's certificate, and the file of its key
    sslkey: str | None = None
    application_name: str = "chalice-app"
    options: str | None = None  # `-c name=value`, sent as a start-up parameter
    is_bound: bool = False  # channel_binding=require
    prepares: bool = True  # statements are prepared, if no pooler is in between

    @property
    def socket_path(self) -> str | None:
        """The path of the Unix socket, or None for TCP."""
        return f"{self.host}/.s.PGSQL.{self.port}" if self.host.startswith("/") else None

    def __str__(self) -> str:
        return self.socket_path or f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def parse_database_url(text: str, *, credentials_needed: bool = True) -> tuple[DatabaseAddress, Credentials]:
    """Parse a URL; blanks around it do not count.

    Raises:
        ValueError: something in it cannot be honoured. The message names it, and never contains the password.
    """
    place, options = _parts_of(text.strip())
    place |= {name: options.pop(name) for name in PLACE if name in options}
    if not place["user"] and credentials_needed:
        raise ValueError("has no user, and DATABASE_SECRET_ARN is not set")
    for name, meaning in (("host", "host"), ("dbname", "database")):
        if not place[name]:
            raise ValueError(f"names no {meaning}; it {FORM}")
    if "," in f"{place['host']}{place['port']}":
        raise ValueError(SEVERAL_HOSTS)
    _check_options(options)
    address = _address(place, options)
    if address.is_bound and address.sslmode == "disable":
        raise ValueError("has channel_binding=require, which needs TLS: set sslmode too")
    return address, Credentials(place["user"] or "", place["password"])


def _parts_of(text: str) -> tuple[dict[str, str | None], dict[str, str]]:
    """Split a URL into the parts of its place and its options, all of them decoded."""
    if _BLANK.search(text):
        raise ValueError("has a blank in it: write %20")
    try:
        url = urlsplit(text)
    except ValueError:
        raise ValueError(FORM) from None
    if url.scheme not in SCHEMES:
        raise ValueError(FORM)
    if url.fragment:
        raise ValueError("has a # in it: write %23")
    login, _, where = url.netloc.rpartition("@")
    user, colon, password = login.partition(":")
    host, port = _host_and_port(where)
    parts = {"host": host, "port": port, "dbname": url.path.removeprefix("/"), "user": user}
    place = {name: _decoded(part) for name, part in parts.items()}
    return {**place, "password": _decoded(password) if colon else None}, _options_in(url.query)


def _host_and_port(where: str) -> tuple[str, str]:
    if where.startswith("["):
        host, _, rest = where[1:].partition("]")
        return host, rest.removeprefix(":")
    host, _, port = where.partition(":")
    return host, port


def _options_in(query: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in query.split("&") if part]
    return {_decoded(name): _decoded(value) for name, _, value in pairs}


def _decoded(text: str) -> str:
    """Decode percent-escapes; a plus sign stays one, as libpq does."""
    try:
        if _BAD_ESCAPE.search(text):
            raise ValueError
        return unquote(text, errors="strict")
    except ValueError:
        raise ValueError("has a % that is not the start of a character's code: write %25") from None


def _check_options(options: Mapping[str, str]) -> None:
    if unknown := set(options) - set(CHOICES) - set(TEXTS):
        raise ValueError(f"has unknown options: {', '.join(sorted(unknown))}")
    for name, value in options.items():
        if name in CHOICES and value not in CHOICES[name]:
            raise ValueError(f"has {name}={value}, not one of {', '.join(CHOICES[name])}")
    seconds = options.get("connect_timeout", "0")
    if not re.fullmatch(r"-?[0-9]+", seconds):
        raise ValueError(f"has connect_timeout={seconds}, not a whole number")


def _address(place: Mapping[str, str | None], options: Mapping[str, str]) -> DatabaseAddress:
    host = place["host"] or ""
    is_socket = host.startswith("/")
    host = host if is_socket else host.lower()
    sslmode = options.get("sslmode", "disable" if host in LOOPBACK else "verify-full")
    sslrootcert = options.get("sslrootcert")
    return DatabaseAddress(
        host,
        _port(place["port"]),
        place["dbname"] or "",
        "disable" if is_socket else sslmode,  # as in libpq, there is no TLS on a Unix socket
        None if sslrootcert == "system" else sslrootcert,
        options.get("sslcert"),
        options.get("sslkey"),
        options.get("application_name", "chalice-app"),
        options.get("options"),
        is_bound=options.get("channel_binding") == "require",
        prepares=options.get("prepared_statements") != "off",
    )


def _port(text: str | None) -> int:
    if not text:
        return DEFAULT_PORT
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise ValueError("has a port that is not a number from 1 to 65535")
    return int(text)
