"""The options after the `?` of `REDIS_URL`, by the names that redis-py has for them.

What must hold: an option that would change nothing here, and whose loss harms nothing, is accepted; any other is
refused. No message contains a value, which may be a password or a part of one.
"""

import math
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

MAX_SECONDS = 60.0
CERT_REQS = ("required", "optional", "none")
_FALSE = ("0", "F", "FALSE", "N", "NO")  # redis-py takes anything else for true


def read_options(query: str, *, has_tls: bool) -> dict[str, Any]:
    """Return the options that mean something here, parsed.

    Raises:
        ValueError: an option is unknown, said twice, needs TLS, or has a wrong value.
    """
    given = parse_qsl(query, keep_blank_values=True)
    names = [name for name, _ in given]
    _raise_if_unknown([(name, text) for name, text in given if name not in _PARSERS])
    if repeated := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"has more than one {', '.join(sorted(repeated))}")
    if not has_tls and (needy := [name for name in names if name.startswith("ssl_")]):
        raise ValueError(f"has {', '.join(sorted(needy))}, but TLS only with rediss://")
    read = {name: _value(name, text) for name, text in given if text}
    return {name: value for name, value in read.items() if name not in _WITHOUT_EFFECT}


def _raise_if_unknown(unknown: list[tuple[str, str]]) -> None:
    """Raise ValueError if there are any. What does not look like an option may be the end of a password."""
    if not all(name.isidentifier() and text for name, text in unknown):
        raise ValueError("has an option without a name or a value; in a password, ? is written %3F")
    if unknown:
        named = (f"{name} ({_HINTS[name]})" if name in _HINTS else name for name, _ in sorted(unknown))
        raise ValueError(f"has unknown options: {', '.join(named)}")


def _value(name: str, text: str) -> Any:
    try:
        return _PARSERS[name](text)
    except ValueError as error:
        raise ValueError(f"has a {name} that {error}") from None


def whole(text: str) -> int:
    """Parse a number without a sign. Raises ValueError."""
    if not (text.isascii() and text.isdecimal()):
        raise ValueError("is not a whole number")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= MAX_SECONDS:
        raise ValueError(f"is not a number of seconds up to {MAX_SECONDS:g}")
    return seconds


def _bool(text: str) -> bool:
    return text.upper() not in _FALSE


def _one_of(*values: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in values:
            raise ValueError(f"is none of {', '.join(values)}")
        return text

    return parse


def _folder(text: str) -> str:
    if not Path(text).is_dir():  # OpenSSL takes any path, and then trusts nobody
        raise ValueError("is not a folder")
    return text


def _tls_version(text: str) -> ssl.TLSVersion:
    try:
        return ssl.TLSVersion(whole(text))
    except ValueError:
        raise ValueError("is not a number of Python's ssl.TLSVersion, such as 771 for TLS 1.2") from None


def _verify_flags(text: str) -> ssl.VerifyFlags:
    """Parse `[VERIFY_X509_STRICT, ...]`."""
    flags = ssl.VerifyFlags(0)
    for name in text.strip("[]").split(","):
        flag = ssl.VerifyFlags.__members__.get(name.strip())
        if flag is None:
            raise ValueError("is not a list of names of Python's ssl.VerifyFlags")
        flags |= flag
    return flags


def _client_name(text: str) -> str:
    """Check a name for CLIENT LIST, which Redis takes without blanks."""
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("has a blank, or a character that is not ASCII")
    return text


_WITHOUT_EFFECT: Mapping[str, Callable[[str], Any]] = {
    "socket_keepalive": _bool,  # always on
    "socket_read_size": whole,
    "health_check_interval": whole,  # a connection asks for the server's generation each second
    "max_connections": whole,  # one a thread, and one for an event loop
    "retry_on_timeout": _bool,  # the database answers instead
    "protocol": _one_of("2", "3"),  # always RESP3; these two change what redis-py's methods return
    "legacy_responses": _bool,
    "decode_responses": _bool,
    "encoding": str,
    "encoding_errors": str,
    "lib_name": str,
    "lib_version": str,
}
"""They change only how redis-py works inside. Their values are checked as redis-py checks them."""

_PARSERS: Mapping[str, Callable[[str], Any]] = {
    **_WITHOUT_EFFECT,
    "db": whole,
    "username": str,
    "password": str,
    "client_name": _client_name,
    "socket_connect_timeout": _seconds,
    "socket_timeout": _seconds,
    "ssl_ca_certs": str,
    "ssl_ca_path": _folder,
    "ssl_ca_data": str,
    "ssl_certfile": str,
    "ssl_keyfile": str,
    "ssl_password": str,
    "ssl_cert_reqs": _one_of(*CERT_REQS),
    "ssl_check_hostname": _bool,
    "ssl_min_version": _tls_version,
    "ssl_ciphers": str,
    "ssl_include_verify_flags": _verify_flags,
    "ssl_exclude_verify_flags": _verify_flags,
}

_HINTS = {
    "tls": "for TLS, say rediss://",
    "ssl": "for TLS, say rediss://",
    "timeout": "say socket_timeout or socket_connect_timeout",
}
