"""An RDS with IAM authentication in front of PostgreSQL: over TLS, it checks the token as AWS does.

It knows who signs (one key), and computes the signature by itself, from AWS' description of Signature Version 4.
"""

import contextlib
import datetime
import hashlib
import hmac
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

from pg8000 import native

from chalicelib.database_url import DatabaseAddress
from chalicelib.stores.credentials import Credentials
from tests.fixtures.wire import SSL_REQUEST

KEY_ID, KEY = "AKIAEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
REFUSED = {"S": "FATAL", "C": "28000", "M": "PAM authentication failed for user"}


@dataclass(slots=True)
class Login:
    """A client's user and token."""

    user: str
    token: str


class Rds:
    """Accepts connections on `port`. It has its own clock for the age of tokens."""

    def __init__(self, behind: DatabaseAddress, owner: Credentials, region: str, tls: ssl.SSLContext) -> None:
        self.logins: list[Login] = []
        self.refusals: list[str] = []
        self.late = datetime.timedelta(0)  # by how much its clock is ahead
        self._behind, self._owner, self._region, self._tls = behind, owner, region, tls
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for sock in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def cut(self) -> None:
        """Close all open connections."""
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError, ConnectionError):
            assert _exactly(plain, 8) == SSL_REQUEST, "a token without TLS"
            plain.sendall(b"S")
            client = self._tls.wrap_socket(plain, server_side=True)
            self._open.append(client)
            login = self._asked(client)
            fault = self._fault(login)
            if fault:
                self.refusals.append(fault)
                client.sendall(_message(b"E", b"".join(f"{k}{v}\0".encode() for k, v in REFUSED.items()) + b"\0"))
                client.close()
            else:
                self._join(client)

    def _asked(self, client: ssl.SSLSocket) -> Login:
        startup = _exactly(client, struct.unpack("!i", _exactly(client, 4))[0] - 4)
        words = startup[4:].split(b"\0")
        user = dict(zip(words[::2], words[1::2], strict=False))[b"user"].decode()
        client.sendall(_message(b"R", struct.pack("!i", 3)))
        assert _exactly(client, 1) == b"p"
        password = _exactly(client, struct.unpack("!i", _exactly(client, 4))[0] - 4)
        login = Login(user, password.removesuffix(b"\0").decode())
        self.logins.append(login)
        return login

    def _fault(self, login: Login) -> str | None:
        """Return the error of a token; None if RDS would accept it."""
        given = dict(parse_qsl(urlsplit(f"//{login.token}").query))
        signed = datetime.datetime.strptime(given["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
        ends = signed + datetime.timedelta(seconds=int(given["X-Amz-Expires"]))
        if given["X-Amz-Signature"] != signature_of(login.token, self._region):
            return "signature"
        if (given["Action"], given["DBUser"]) != ("connect", login.user):
            return "user"
        if datetime.datetime.now(datetime.UTC) + self.late > ends:
            return "expired"
        return None

    def _join(self, client: socket.socket) -> None:
        """Log in to PostgreSQL, confirm the client's login, and forward all data."""
        server = socket.create_connection((self._behind.host, self._behind.port))
        self._open.append(server)
        native.Connection(
            self._owner.username,
            password=self._owner.password,
            database=self._behind.database,
            sock=server,
            ssl_context=False,
        )
        greeting = _message(b"R", struct.pack("!i", 0)) + _message(b"S", b"client_encoding\0UTF8\0")
        client.sendall(greeting + _message(b"K", struct.pack("!ii", 1, 1)) + _message(b"Z", b"I"))
        threading.Thread(target=_pass_on, args=(server, client), daemon=True).start()
        _pass_on(client, server)


def signature_of(token: str, region: str) -> str:
    """Return the signature that the token must have for its parameters and this host."""
    parts = urlsplit(f"//{token}")
    values = {name: value for name, (value,) in parse_qs(parts.query).items() if name != "X-Amz-Signature"}
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(values.items()))
    nothing = hashlib.sha256(b"").hexdigest()
    request = f"GET\n/\n{query}\nhost:{parts.netloc}\n\nhost\n{nothing}"
    day = values["X-Amz-Date"][:8]
    scope = f"{day}/{region}/rds-db/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{values['X-Amz-Date']}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{KEY}".encode()
    for word in (day, region, "rds-db", "aws4_request", text):
        key = hmac.digest(key, word.encode(), "sha256")
    return key.hex()


@contextlib.contextmanager
def rds_before(behind: DatabaseAddress, owner: Credentials, region: str, tls: ssl.SSLContext) -> Iterator[Rds]:
    """Run an RDS until the block ends."""
    rds = Rds(behind, owner, region, tls)
    try:
        yield rds
    finally:
        rds.close()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


def _message(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!i", len(content) + 4) + content


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            raise ConnectionError("the client hung up")
        data += more
    return data
