"""What can be seen of all WebSockets of a task: connections, handshakes, messages and ends.

What must hold: the event loop's thread counts, with one addition; a scrape reads. Clients cannot add series.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fargate.websockets.connections import LocalConnections

_CODES = (1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011)
"""Codes of RFC 6455, section 7.4.1. Others are counted as one: RFC 6455, section 7.4.2, lets clients choose them."""
OTHER = "other"


class Handshake(StrEnum):
    """What becomes of a handshake."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # by the app: 403
    MALFORMED = "malformed"  # 400 or 426
    FULL = "full"  # 503: too many connections are open
    ABANDONED = "abandoned"  # its client has gone before it was answered


class SocketMetrics(Collector):
    """Counts what happens to the connections of a server.

    Args:
        connections: those that are open.
    """

    def __init__(self, connections: LocalConnections) -> None:
        self._connections = connections
        self.received = self.sent = 0  # messages
        self._handshakes = dict.fromkeys(Handshake, 0)
        self._ends = Counter({str(code): 0 for code in _CODES} | {OTHER: 0})

    def answered(self, outcome: Handshake) -> None:
        """Count a handshake."""
        self._handshakes[outcome] += 1

    def ended(self, code: int) -> None:
        """Count the end of a connection by the code of its close frame; 1006: there was none."""
        self._ends[str(code) if code in _CODES else OTHER] += 1

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "websocket_connections_open", "WebSockets that are open now.", value=len(self._connections)
        )
        yield _counter("websocket_handshakes", "Handshakes by outcome.", "outcome", self._handshakes.items())
        messages = {"received": self.received, "sent": self.sent}
        yield _counter("websocket_messages", "Messages of and to clients.", "direction", messages.items())
        yield _counter("websocket_closes", "Ended WebSockets by close code.", "code", self._ends.items())


def _counter(name: str, text: str, label: str, counts: Iterable[tuple[str, int]]) -> Metric:
    family = CounterMetricFamily(name, text, labels=(label,))
    for value, count in counts:
        family.add_metric((value,), count)
    return family
