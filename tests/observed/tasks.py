"""Tasks of the application as Prometheus finds them: each has an address, in Cloud Map and in DNS."""

import contextlib
import random
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.ports import free_port

NAMESPACE, SERVICE = "test-shop.internal", "app"
NAMED_BY_DNS = 8
"""The most addresses that Cloud Map's routing policy MULTIVALUE answers."""


class Tasks:
    """Tasks with metrics: 127.0.0.1, 127.0.0.2, ... at one port, as each has port 3000 on Fargate."""

    def __init__(self, count: int) -> None:
        self.addresses = [f"127.0.0.{number}" for number in range(1, count + 1)]
        self.port = free_port()
        self.metrics = 'cache_audit_total{result="match"} 1\n'
        self._servers = [ThreadingHTTPServer((address, self.port), self._handler()) for address in self.addresses]

    @property
    def targets(self) -> set[str]:
        """The targets for Prometheus, as host:port."""
        return {f"{address}:{self.port}" for address in self.addresses}

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start the servers."""
        threads = [threading.Thread(target=server.serve_forever, args=(0.05,)) for server in self._servers]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for server in self._servers:
                server.shutdown()
                server.server_close()
            for thread in threads:
                thread.join()

    def register(self, cloud_map: Any) -> None:
        """Register them as ECS does."""
        cloud_map.create_private_dns_namespace(Name=NAMESPACE, Vpc="vpc-1")
        (namespace,) = cloud_map.list_namespaces()["Namespaces"]
        dns = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 5}]}
        service = cloud_map.create_service(Name=SERVICE, NamespaceId=namespace["Id"], DnsConfig=dns)["Service"]
        for address in self.addresses:
            attributes = {"AWS_INSTANCE_IPV4": address, "AVAILABILITY_ZONE": "eu-west-1a"}
            instance = address.replace(".", "-")
            cloud_map.register_instance(ServiceId=service["Id"], InstanceId=instance, Attributes=attributes)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        tasks = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = tasks.metrics.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


@contextlib.contextmanager
def name_server(address: str, addresses: list[str]) -> Iterator[None]:
    """Answer every query of an A record as Cloud Map's DNS does: with eight tasks, drawn at random each time.

    It listens at port 53 of an address, since no other can be given to a resolver.
    """

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            question, reply = self.request
            reply.sendto(_answer(question, random.sample(addresses, NAMED_BY_DNS)), self.client_address)

    with socketserver.ThreadingUDPServer((address, 53), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def _answer(question: bytes, addresses: list[str]) -> bytes:
    """Return a DNS response (RFC 1035): the header, the question, a record for each address."""
    end = question.index(b"\0", 12) + 5  # the type and class follow the name
    header = question[:2] + struct.pack("!HHHHH", 0x8180, 1, len(addresses), 0, 0)
    record = struct.pack("!HHHIH", 0xC00C, 1, 1, 5, 4)  # a pointer to the name, A, IN, five seconds, four bytes
    return header + question[12:end] + b"".join(record + socket.inet_aton(address) for address in addresses)
