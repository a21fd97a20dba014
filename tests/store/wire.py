"""A TCP proxy between the shop and a store: counts round trips, cuts, rewrites, and speaks TLS in PostgreSQL's way."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


class Proxy:
    """Stands in front of a store. Its attributes may be changed at any time."""

    def __init__(self, target: tuple[str, int], tls: ssl.SSLContext | None, *, starttls: bool) -> None:
        self.round_trips = 0
        self.connections = 0
        self.cut_requests_with: bytes | None = None  # cut the next connection that asks this: it is not delivered
        self.cut_answers_to: bytes | None = None  # deliver the next such request, and cut in place of its answer
        self.rewrite_answers: Callable[[bytes], bytes] = lambda data: data
        self._target = target
        self._tls = tls
        self._starttls = starttls
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Close every connection."""
        with self._lock:
            for sock in self._open:
                _hang_up(sock)

    def close(self) -> None:
        """Stop listening, and close every connection."""
        _hang_up(self._listener)
        self.cut()

    def in_front_of(self, url: str, host: str = "127.0.0.1") -> str:
        """Return a store's URL with this proxy's address in it."""
        parts = urlsplit(url)
        login = parts.netloc.rpartition("@")[0]
        return parts._replace(netloc=f"{login}{'@' if login else ''}{host}:{self.port}").geturl()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            if self._tls:
                client = self._with_tls(client, self._tls)
            stack.callback(_hang_up, client)
            server = socket.create_connection(self._target)
            stack.callback(_hang_up, server)
            with self._lock:
                self.connections += 1
                self._open |= {client, server}
            _Exchange(self, client, server).run()

    def _with_tls(self, client: socket.socket, tls: ssl.SSLContext) -> socket.socket:
        try:
            if self._starttls:
                if client.recv(8) != SSL_REQUEST:
                    raise ConnectionError("the client did not ask for TLS")
                client.sendall(b"S")
            return tls.wrap_socket(client, server_side=True)
        except OSError:
            client.close()
            raise


class _Exchange:
    """One connection: a round trip begins where the client speaks after the server did."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._clients_turn = True
        self._cut_next_answer = False

    def run(self) -> None:
        back = threading.Thread(target=self._answers, daemon=True)
        back.start()
        with contextlib.suppress(OSError):
            while (data := self._client.recv(65536)) and self._request(data):
                self._server.sendall(data)
        _hang_up(self._server)
        back.join()

    def _request(self, data: bytes) -> bool:
        if self._clients_turn:
            self._clients_turn = False
            self._proxy.round_trips += 1
        if self._proxy.cut_requests_with is not None and self._proxy.cut_requests_with in data:
            self._proxy.cut_requests_with = None
            return False
        if self._proxy.cut_answers_to is not None and self._proxy.cut_answers_to in data:
            self._proxy.cut_answers_to = None
            self._cut_next_answer = True
        return True

    def _answers(self) -> None:
        with contextlib.suppress(OSError):
            while (data := self._server.recv(65536)) and not self._cut_next_answer:
                self._clients_turn = True
                self._client.sendall(self._proxy.rewrite_answers(data))
        _hang_up(self._client)


@contextlib.contextmanager
def proxied(url: str, tls: ssl.SSLContext | None = None, *, starttls: bool = True) -> Iterator[Proxy]:
    """Put a proxy in front of the store at a URL; `starttls`: TLS begins when a client asks, as PostgreSQL's do."""
    parts = urlsplit(url)
    proxy = Proxy((parts.hostname or "", parts.port or 0), tls, starttls=starttls)
    try:
        yield proxy
    finally:
        proxy.close()


def _hang_up(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
