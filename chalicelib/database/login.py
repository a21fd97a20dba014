"""Getting into PostgreSQL: TCP, TLS, and a login that survives a rotation of the credentials."""

import socket
import ssl
import struct
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from pg8000 import native

from chalicelib.database.iam_tokens import IamCredentials
from chalicelib.database.postgres_errors import AWAY, LOGIN_REFUSED, sqlstate_of
from chalicelib.settings import DatabaseAddress, Settings, SettingsError
from chalicelib.stores.credentials import Credentials, CredentialSource, source

T = TypeVar("T")

SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # the protocol's SSLRequest: its length and its code
KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}  # seconds, seconds, probes


def database_source(settings: Settings) -> CredentialSource:
    """Return where the login comes from that the settings ask for: signed tokens, a secret, or the URL."""
    if settings.database_iam_region is not None:
        return IamCredentials(settings.database_credentials.username, settings.database, settings.database_iam_region)
    return source(settings.database_credentials, settings.database_secret_arn)


def tls_context(address: DatabaseAddress) -> ssl.SSLContext | None:
    """Return what TLS must check: everything (verify-full), nothing (require), or None for no TLS at all.

    Raises:
        SettingsError: sslrootcert cannot be read.
    """
    if address.sslmode == "disable":
        return None
    try:
        context = ssl.create_default_context(cafile=address.sslrootcert)
    except OSError as error:
        raise SettingsError(f"DATABASE_URL has sslrootcert={address.sslrootcert}: {error}") from error
    if address.sslmode == "require":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def open_socket(address: DatabaseAddress, tls: ssl.SSLContext | None, seconds: float) -> socket.socket:
    """Connect over TCP and, where wanted, TLS; each step waits for at most `seconds`.

    Raises:
        OSError: nobody answers, or the certificate is not to be trusted.
        ConnectionError: the server has no TLS.
    """
    raw = socket.create_connection((address.host, address.port), timeout=seconds)
    try:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEPALIVE.items():
            if hasattr(socket, option):
                raw.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        return raw if tls is None else _wrap(raw, tls, address.host)
    except BaseException:
        raw.close()
        raise


def _wrap(raw: socket.socket, tls: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    raw.sendall(SSL_REQUEST)
    if raw.recv(1) != b"S":
        raise ConnectionError("the server has no TLS, and sslmode asks for it")
    return tls.wrap_socket(raw, server_hostname=host)


def with_login(credentials: CredentialSource, login: Callable[[Credentials], T]) -> T:
    """Log in; where the server refuses the credentials, once more with those that a rotation brought."""
    tried = credentials.current()
    try:
        return login(tried)
    except native.DatabaseError as error:
        if sqlstate_of(error) not in LOGIN_REFUSED:
            raise
        renewed = credentials.refresh(tried)
        if renewed == tried:
            raise
    return login(renewed)


def log_in(
    kind: Callable[..., T],
    address: DatabaseAddress,
    tls: ssl.SSLContext | None,
    credentials: Credentials,
    seconds: float,
    parameters: Mapping[str, str],
) -> tuple[T, socket.socket]:
    """Open one of pg8000's kinds of connection, and return its socket too; each step waits for at most `seconds`.

    Raises:
        native.DatabaseError: the server refuses the login.
        native.InterfaceError: it is a standby, as after a failover that the host's name has not followed yet.
        OSError: as open_socket.
    """
    sock = open_socket(address, tls, seconds)
    try:
        driver = _started(kind, address, credentials, sock, parameters)
        if driver.parameter_statuses.get("in_hot_standby") == "on":
            driver.close()
            raise native.InterfaceError("the server is a standby: it may be behind, and takes no writes")
        return cast("T", driver), sock
    except BaseException:
        sock.close()
        raise


def _started(
    kind: Callable[..., T],
    address: DatabaseAddress,
    credentials: Credentials,
    sock: socket.socket,
    parameters: Mapping[str, str],
) -> Any:
    try:
        return kind(
            credentials.username,
            host=address.host,
            database=address.database,
            password=credentials.password or "",
            sock=sock,
            ssl_context=False,  # the socket has its TLS already
            application_name="chalice-app",
            startup_params={"client_encoding": "UTF8", **parameters},
        )
    except AWAY as error:
        # pg8000 says good-bye to a server that has refused us and hung up; the refusal is what matters.
        if isinstance(error.__context__, native.DatabaseError):
            raise error.__context__ from None
        raise
