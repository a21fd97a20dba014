"""A real client talks to the project: what its handlers are given, what they can do, and how connections end."""

import contextlib
import json
import socket
from collections.abc import Iterator
from itertools import pairwise

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from tests.fargate.websockets.conftest import SECONDS, Sockets, serving_sockets
from tests.fargate.websockets.wire import GET, frame, handshake, raw, read_until


@pytest.fixture
def client(sockets: Sockets) -> Iterator[ClientConnection]:
    with sockets.connect("/?room=1&room=2", additional_headers={"Cookie": "a=b"}) as connection:
        yield connection


def close_of(client: ClientConnection) -> tuple[int, str]:
    """Return the code and the reason of the close frame that comes."""
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(SECONDS)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


def keep_busy(client: ClientConnection) -> None:
    """Send a message five times a second until the connection closes."""
    while True:
        client.send("again")
        client.recv(SECONDS)
        with contextlib.suppress(TimeoutError):
            client.recv(0.2)


def test_a_conversation_gives_the_events_of_api_gateway(sockets: Sockets, client: ClientConnection) -> None:
    here = sockets.ask(client, "id")
    client.close(4001, "enough")
    sockets.ended(here)
    connect, message, disconnect = sockets.events(here)
    contexts = [each.pop("requestContext") for each in (connect, message, disconnect)]
    assert [(each["eventType"], each["routeKey"]) for each in contexts] == [
        ("CONNECT", "$connect"),
        ("MESSAGE", "$default"),
        ("DISCONNECT", "$disconnect"),
    ]
    assert {each["connectedAt"] for each in contexts} == {contexts[0]["connectedAt"]}
    assert all(each["requestTimeEpoch"] >= each["connectedAt"] for each in contexts)
    assert len({each["requestId"] for each in contexts}) == 3
    first = contexts[0]
    assert (first["domainName"], first["stage"], first["apiId"]) == ("127.0.0.1", "api", "container")
    assert first["identity"] == {"sourceIp": "127.0.0.1", "userAgent": client.request.headers["User-Agent"]}
    assert contexts[1]["messageId"]
    assert (contexts[2]["disconnectStatusCode"], contexts[2]["disconnectReason"]) == (4001, "enough")
    assert connect["queryStringParameters"] == {"room": "2"}
    assert connect["multiValueQueryStringParameters"] == {"room": ["1", "2"]}
    assert connect["headers"]["Cookie"] == "a=b"
    assert {"Sec-WebSocket-Key", "X-Forwarded-For", "X-Amzn-Trace-Id"} <= set(connect["headers"])
    assert not {"Upgrade", "Connection"} & set(connect["headers"])
    assert message == {"isBase64Encoded": False, "body": "id"}


@pytest.mark.parametrize("target", ["/?raise=1", "/?status=400", "/?status=401"])
def test_a_refused_connection_is_403(sockets: Sockets, target: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        sockets.connect(target)
    answer = json.loads(refused.value.response.body)
    assert (refused.value.response.status_code, answer["message"]) == (403, "Forbidden")
    assert [each["requestContext"]["eventType"] for each in sockets.events(answer["connectionId"])] == ["CONNECT"]


def test_the_handler_chooses_the_subprotocol(sockets: Sockets) -> None:
    with sockets.connect("/?protocol=chat", subprotocols=["news", "chat"]) as client:
        assert client.subprotocol == "chat"


def test_another_thread_sends_and_closed_connections_are_gone(sockets: Sockets, client: ClientConnection) -> None:
    here = sockets.ask(client, "id")
    url = f"{sockets.server.url}/send/{here}"
    assert httpx.post(url, content="from a route").status_code == 200
    assert client.recv(SECONDS) == "from a route"
    client.close()
    sockets.ended(here)
    assert httpx.post(url, content="late").status_code == 410
    assert httpx.post(f"{sockets.server.url}/send/unknown", content="x").status_code == 410


def test_a_handler_asks_for_information_and_closes(sockets: Sockets, client: ClientConnection) -> None:
    known = json.loads(sockets.ask(client, "info"))
    assert known["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": client.request.headers["User-Agent"]}
    assert known["ConnectedAt"] <= known["LastActiveAt"]
    client.send("close")
    assert close_of(client) == (1000, "")


def test_a_handler_that_raises_ends_nothing(sockets: Sockets, client: ClientConnection) -> None:
    problem = json.loads(sockets.ask(client, "raise it"))
    assert problem["message"] == "Internal server error"
    assert sockets.ask(client, "id") == problem["connectionId"]
    sockets.server.awaited_output(f'"extended_request_id":"{problem["requestId"]}"')  # the line of what the client saw


def test_messages_are_handled_in_their_order(sockets: Sockets, client: ClientConnection) -> None:
    """More of them than wait in memory, sent at once."""
    sent = [f"message {number}" for number in range(100)]
    for each in sent:
        client.send(each)
    assert [client.recv(SECONDS) for _ in sent] == sent


def test_pings_are_answered_while_a_handler_runs(sockets: Sockets, client: ClientConnection) -> None:
    client.send("wait")
    assert client.ping().wait(SECONDS)
    httpx.post(f"{sockets.server.url}/go-on")
    assert sockets.ask(client, "still here") == "still here"


def test_a_client_that_vanishes_is_disconnected(sockets: Sockets) -> None:
    with sockets.connect() as client:
        here = sockets.ask(client, "id")
        client.socket.shutdown(socket.SHUT_RDWR)  # without a close frame
    assert sockets.ended(here)["requestContext"]["disconnectStatusCode"] == 1006


def test_the_limits_of_messages_and_frames(sockets: Sockets) -> None:
    whole = ["x" * 32 * 1024] * 4
    with sockets.connect() as client:
        client.send(iter(whole))
        assert client.recv(SECONDS) == "".join(whole)
        with contextlib.suppress(ConnectionClosed):  # an empty last frame follows
            client.send(iter([*whole, "x"]))
        assert close_of(client)[0] == 1009
    with sockets.connect() as client:
        client.send("x" * (32 * 1024 + 1))
        assert close_of(client)[0] == 1009


def test_a_client_that_does_not_read_is_sent_nothing_more(sockets: Sockets) -> None:
    with sockets.connect(max_queue=1) as slow, sockets.connect() as client, httpx.Client() as http:
        url = f"{sockets.server.url}/send/{sockets.ask(slow, 'id')}"
        statuses = {http.post(url, content="x" * 128 * 1024).status_code for _ in range(200)}
        assert statuses == {200, 429}
        assert sockets.ask(client, "others go on") == "others go on"
        slow.socket.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("cuts", [(), (20,), (20, -3)])
def test_a_message_may_come_with_the_handshake_and_in_pieces(sockets: Sockets, cuts: tuple[int, ...]) -> None:
    sent = handshake() + frame(b"early")
    places = [0, *(cut % len(sent) for cut in cuts), len(sent)]
    with raw(sockets) as wire:
        for start, end in pairwise(places):
            wire.sendall(sent[start:end])
        received = read_until(wire, b"early")
    assert received.startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize(
    ("sent", "code"),
    [(frame(b"\xff"), 1007), (b"\x81\x02hi", 1002), (b"\xf1\x80\0\0\0\0", 1002)],
    ids=["not UTF-8", "without a mask", "a reserved bit"],
)
def test_what_breaks_the_protocol_ends_the_connection(sockets: Sockets, sent: bytes, code: int) -> None:
    """RFC 6455, sections 5.1, 5.2 and 8.1."""
    with raw(sockets) as wire:
        wire.sendall(handshake() + sent)
        closed = read_until(wire, b"").partition(b"\r\n\r\n")[2]
    assert (closed[0], int.from_bytes(closed[2:4])) == (0x88, code)


def test_a_message_in_pieces_with_a_ping_between(sockets: Sockets) -> None:
    begin, ping, end = b"\x01\x82\0\0\0\0in", b"\x89\x81\0\0\0\0p", b"\x80\x82\0\0\0\0to"
    with raw(sockets) as wire:
        wire.sendall(handshake() + begin + ping + end)
        received = read_until(wire, b"into")
    assert received.endswith(b"\x8a\x01p\x81\x04into")


def test_a_connection_may_serve_requests_before(sockets: Sockets) -> None:
    with raw(sockets) as wire:
        wire.sendall(GET)
        read_until(wire, b"]")
        wire.sendall(handshake() + frame(b"then"))
        assert read_until(wire, b"then").startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("field", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
def test_a_handshake_with_a_body_is_refused(sockets: Sockets, field: bytes) -> None:
    with raw(sockets) as wire:
        wire.sendall(handshake(field) + GET)
        received = read_until(wire, b"")
    assert received.startswith(b"HTTP/1.1 400 Bad Request")
    assert received.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("key", [b"eA==", b"dGhlIHNhbXBsZSBub25jZQ", b"", b"dGhlIHNhbXBsZSBub25jZSE="])
def test_a_handshake_without_a_key_of_16_bytes_is_refused(sockets: Sockets, key: bytes) -> None:
    """RFC 6455, section 4.2.1."""
    with raw(sockets) as wire:
        wire.sendall(handshake().replace(b"dGhlIHNhbXBsZSBub25jZQ==", key))
        assert read_until(wire, b"").startswith(b"HTTP/1.1 400 ")


def test_binary_messages_are_refused(sockets: Sockets, client: ClientConnection) -> None:
    client.send(b"\x00")
    assert close_of(client)[0] == 1003


def test_a_handshake_of_another_version_is_426(sockets: Sockets) -> None:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "eA==",
        "Sec-WebSocket-Version": "8",
    }
    answer = httpx.get(sockets.server.url, headers=headers)
    assert (answer.status_code, answer.headers["Sec-WebSocket-Version"]) == (426, "13")


def test_a_connection_that_is_idle_or_old_is_closed() -> None:
    limits = {"WEBSOCKET_IDLE_SECONDS": "1", "WEBSOCKET_SECONDS": "3"}
    with serving_sockets(**limits) as sockets, sockets.connect() as idle, sockets.connect() as busy:
        with pytest.raises(ConnectionClosed):
            keep_busy(busy)
        assert close_of(busy) == (1001, "Connection duration exceeded")
        assert close_of(idle) == (1001, "Idle timeout")


def test_a_drain_finishes_messages_and_says_goodbye() -> None:
    with contextlib.ExitStack() as stack:
        sockets = stack.enter_context(serving_sockets())
        client = stack.enter_context(sockets.connect())
        here = sockets.ask(client, "id")
        client.send("last")
        sockets.server.process.terminate()
        assert client.recv(SECONDS) == "last"
        assert close_of(client) == (1001, "Going away")
        assert sockets.server.process.wait(SECONDS) == 0
        assert f'"connection_id":"{here}"' in sockets.server.awaited_output("on_ws_disconnect disconnect success")


def test_a_fault_outside_of_the_handler_ends_the_connection_in_order() -> None:
    """Here a handler of the app's logger raises."""
    with serving_sockets() as sockets, sockets.connect() as client:
        here = sockets.ask(client, "id")
        httpx.post(f"{sockets.server.url}/spoil")
        client.send("one more")
        assert client.recv(SECONDS) == "one more"
        with pytest.raises(ConnectionClosed):
            client.recv(SECONDS)
        assert sockets.ended(here)["requestContext"]["disconnectStatusCode"] == 1006
        assert "A WebSocket is closed for an error of the adapter" in sockets.server.output()


def test_where_api_gateway_holds_them_nothing_changes() -> None:
    """Handshakes are refused, and `websocket_api` is as Chalice has it: it wants to be told of an API."""
    with serving_sockets(WEBSOCKETS="false") as sockets:
        with pytest.raises(InvalidStatus) as refused:
            sockets.connect()
        assert refused.value.response.status_code == 501
        assert httpx.post(f"{sockets.server.url}/send/some-id", content="x").status_code == 500
        sockets.server.awaited_output("WebsocketAPI.configure must be called")


@pytest.mark.parametrize("server", ["waitress", "granian"])
def test_other_servers_say_which_one_serves_them(server: str) -> None:
    with serving_sockets(SERVER=server) as sockets:
        assert f"{server} serves no WebSockets: SERVER=uvicorn does" in sockets.server.output()
        with pytest.raises(InvalidStatus) as refused:
            sockets.connect()
    assert refused.value.response.status_code == 501
