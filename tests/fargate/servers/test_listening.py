"""New connections are refused and waiting ones kept, with a socket filter and without."""

import socket
import sys

import pytest

from fargate.servers.listening import listen, refuse_connections

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux only, as the function says")

SO_LOCK_FILTER = 44  # then attaching a filter fails with EPERM, as on some kernels without CAP_NET_ADMIN


def has_ipv6() -> bool:
    """Return whether this machine has IPv6's loopback address; many containers do not."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


without_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=without_ipv6)])
@pytest.mark.parametrize("filters", [True, False], ids=["a filter", "no filter allowed"])
def test_waiting_connections_stay_and_new_ones_are_refused(filters: bool, host: str) -> None:
    with listen(host, 0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address[:2], timeout=5) as waiting:
            if not filters:
                listener.setsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER, 1)
            refuse_connections(listener)
            with pytest.raises(TimeoutError):
                socket.create_connection(address[:2], timeout=0.5)
            accepted, _ = listener.accept()
            with accepted:
                waiting.sendall(b"in time")
                accepted.settimeout(5)
                assert accepted.recv(16) == b"in time"


def test_a_handshake_that_has_begun_is_completed() -> None:
    with listen("127.0.0.1", 0) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)  # the handshake is completed only by data
        with socket.create_connection(listener.getsockname(), timeout=5) as half_open:
            refuse_connections(listener)
            half_open.sendall(b"in time")
            listener.settimeout(5)
            accepted, _ = listener.accept()
            with accepted:
                accepted.settimeout(5)
                assert accepted.recv(16) == b"in time"
