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
from chalicelib.database.postgres_errors import AWAY, is_login_refused
from chalicelib.database_url import DatabaseAddress
from chalicelib.settings import Settings, SettingsError
from chalicelib.stores import names
from chalicelib.stores.credentials import Credentials, CredentialSource, source
from chalicelib.stores.tls import advice

T = TypeVar("T")

SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # the protocol's SSLRequest: its length and its code
STANDBY = "the server is a standby: it may be behind, and takes no writes"
AUTHENTICATED = 0  # the protocol's Authentication messages
SASL = (10, 11, 12)
UNBOUND = "the server offers no channel binding, and channel_binding=require asks for it"
KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}  # seconds, seconds, probes


class LoginRefusedError(native.DatabaseError):  # type: ignore[misc]
    """The server refuses the credentials."""


def database_source(settings: Settings) -> CredentialSource:
    """Return the credential source that the settings name: IAM tokens, a secret, or the URL."""
    if settings.database_iam_region is not None:
        return IamCredentials(settings.database_credentials.username, settings.database, settings.database_iam_region)
    return source(settings.database_credentials, settings.database_secret_arn)


def tls_context(address: DatabaseAddress) -> ssl.SSLContext | None:
    """Return the TLS context; None means no TLS.

    verify-full checks everything, verify-ca not the host's name, and require nothing.

    Raises:
        SettingsError: sslrootcert, sslcert or sslkey cannot be read.
    """
    if address.sslmode == "disable":
        return None
    context = _context_with(address)
    context.check_hostname = address.sslmode == "verify-full"
    if address.sslmode == "require":
        context.verify_mode = ssl.CERT_NONE
    return context


def _context_with(address: DatabaseAddress) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=address.sslrootcert)
    except OSError as error:
        raise SettingsError(f"DATABASE_URL has sslrootcert={address.sslrootcert}: {error}") from error
    try:
        if address.sslcert:
            context.load_cert_chain(address.sslcert, address.sslkey, password="")  # an encrypted key is not asked for
    except (OSError, ValueError) as error:
        wrong = f"sslcert={address.sslcert}, sslkey={address.sslkey}"
        raise SettingsError(f"DATABASE_URL has {wrong}: {error}") from error
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
        if driver.parameter_statuses.get("in_hot_standby") == "on" and _is_standby(driver):
            driver.close()
            raise native.InterfaceError(STANDBY)
        return cast("T", driver), sock
    except BaseException as error:
        sock.close()
        if is_login_refused(error):
            raise LoginRefusedError(*error.args) from error
        raise


def _is_standby(driver: Any) -> bool:
    """Ask the server: a pooler repeats what the server said when the pooler connected, perhaps before a failover."""
    return bool(driver.execute_simple("SELECT pg_is_in_recovery()").rows == [[True]])


def _open_socket(address: DatabaseAddress, tls: ssl.SSLContext | None, seconds: float) -> socket.socket:
    if address.socket_path is not None:
        return _open_unix_socket(address.socket_path, seconds)
    raw = names.connect(address.host, address.port, seconds)
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


def _open_unix_socket(path: str, seconds: float) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(seconds)
        sock.connect(path)
    except OSError as error:
        sock.close()
        raise ConnectionError(f"no server at the socket {path}: {error}") from error
    return sock


def _start_tls(raw: socket.socket, tls: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    raw.sendall(SSL_REQUEST)
    if raw.recv(1) != b"S":
        raise ConnectionError("the server has no TLS, and sslmode asks for it")
    try:
        return tls.wrap_socket(raw, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise ConnectionError(f"{error}{advice(error)}") from None


def _start(
    kind: Callable[..., T],
    address: DatabaseAddress,
    credentials: Credentials,
    sock: socket.socket,
    parameters: Mapping[str, str],
) -> Any:
    options = {"options": address.options} if address.options else {}
    try:
        return (bound(kind) if address.is_bound else kind)(
            credentials.username,
            host=address.host,
            database=address.database,
            password=credentials.password or "",
            sock=sock,
            ssl_context=False,  # the socket uses TLS already
            application_name=address.application_name,
            startup_params={"client_encoding": "UTF8", **options, **parameters},
        )
    except AWAY as error:
        # After a refusal, pg8000 sends a Terminate message, and fails if the server has closed. Raise the refusal.
        if isinstance(error.__context__, native.DatabaseError):
            raise error.__context__ from None
        raise


def bound(kind: Any) -> Any:
    """Return a pg8000 connection that logs in by SCRAM with channel binding only, as `channel_binding=require` asks.

    A server in the middle cannot pass that on (RFC 5802, section 6), and gets no password from any other method.
    """

    class Bound(kind):  # type: ignore[misc]
        auth: Any = None  # pg8000's SCRAM client

        def handle_AUTHENTICATION_REQUEST(self, data: bytes, context: Any) -> None:  # noqa: N802 - pg8000's name
            code = int.from_bytes(data[:4], "big")
            if code not in SASL and not (code == AUTHENTICATED and self.auth):
                raise native.InterfaceError(UNBOUND)
            if code == SASL[0] and b"SCRAM-SHA-256-PLUS" not in data:
                raise native.InterfaceError(UNBOUND)
            super().handle_AUTHENTICATION_REQUEST(data, context)

    return Bound
