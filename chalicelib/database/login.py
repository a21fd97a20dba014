"""Connect and log in to PostgreSQL: TCP, TLS, and the source of the credentials.

TLS is negotiated here and not by pg8000, which keeps the TLS socket in a private attribute: each statement sets a
timeout on the socket, and the pool polls it.
"""

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


class LoginRefusedError(native.DatabaseError):  # type: ignore[misc]
    """The server refuses the credentials."""


def database_source(settings: Settings) -> CredentialSource:
    """Return the credential source that the settings name: IAM tokens, a secret, or the URL."""
    if settings.database_iam_region is not None:
        return IamCredentials(settings.database_credentials.username, settings.database, settings.database_iam_region)
    return source(settings.database_credentials, settings.database_secret_arn)


def tls_context(address: DatabaseAddress) -> ssl.SSLContext | None:
    """Return the TLS context: verify-full checks everything, require nothing, and None means no TLS.

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


def log_in(
    kind: Callable[..., T],
    address: DatabaseAddress,
    tls: ssl.SSLContext | None,
    credentials: Credentials,
    seconds: float,
    parameters: Mapping[str, str],
) -> tuple[T, socket.socket]:
    """Open a pg8000 connection of this kind; return it and its socket. Each step may take `seconds`.

    Raises:
        LoginRefusedError: the server refuses the credentials.
        native.DatabaseError: the server refuses the connection for another reason.
        native.InterfaceError: the server is a standby, as after a failover before DNS has changed.
        OSError: no server answers, it has no TLS, or its certificate is not trusted.
    """
    sock = _open_socket(address, tls, seconds)
    try:
        driver = _start(kind, address, credentials, sock, parameters)
        if driver.parameter_statuses.get("in_hot_standby") == "on":
            driver.close()
            raise native.InterfaceError("the server is a standby: it may be behind, and takes no writes")
        return cast("T", driver), sock
    except BaseException as error:
        sock.close()
        if sqlstate_of(error) in LOGIN_REFUSED:
            raise LoginRefusedError(*error.args) from error
        raise


def _open_socket(address: DatabaseAddress, tls: ssl.SSLContext | None, seconds: float) -> socket.socket:
    raw = socket.create_connection((address.host, address.port), timeout=seconds)
    try:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEPALIVE.items():
            if hasattr(socket, option):
                raw.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        return raw if tls is None else _start_tls(raw, tls, address.host)
    except BaseException:
        raw.close()
        raise


def _start_tls(raw: socket.socket, tls: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    raw.sendall(SSL_REQUEST)
    if raw.recv(1) != b"S":
        raise ConnectionError("the server has no TLS, and sslmode asks for it")
    return tls.wrap_socket(raw, server_hostname=host)


def _start(
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
            ssl_context=False,  # the socket uses TLS already
            application_name="chalice-app",
            startup_params={"client_encoding": "UTF8", **parameters},
        )
    except AWAY as error:
        # After a refusal, pg8000 sends a Terminate message, and fails if the server has closed. Raise the refusal.
        if isinstance(error.__context__, native.DatabaseError):
            raise error.__context__ from None
        raise
