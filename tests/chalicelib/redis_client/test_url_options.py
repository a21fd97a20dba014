"""What a URL says reaches a real Redis, over threads' connections and over an event loop's."""

import asyncio
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import pytest
import redis
from prometheus_client import CollectorRegistry

from chalicelib.bootstrap import build_cache, build_store
from chalicelib.cache.read_through import ReadThroughCache
from chalicelib.ports import CacheResult, Reading
from chalicelib.redis_client.client import CacheTimeouts, redis_client
from chalicelib.redis_client.thread_connections import ThreadConnections
from chalicelib.settings import read_settings
from chalicelib.stores import names
from chalicelib.stores.names import SocketAddress
from chalicelib.telemetry.metrics import ShopMetrics
from local.servers.redis import _program_path
from tests.fixtures.entries import put
from tests.fixtures.redis_clients import loop_connection
from tests.fixtures.stores import running_redis
from tests.fixtures.wire import proxied

PATIENT = CacheTimeouts(connect=5.0, answer=5.0)


@pytest.fixture(scope="module")
def redis_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The Unix socket of a Redis."""
    folder = tmp_path_factory.mktemp("redis")
    path, program = folder / "redis.sock", folder / "program"
    program.write_text(f'#!/bin/sh\nexec "{_program_path()}" "$@" --unixsocket "{path}"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    with running_redis(str(program)):
        yield path


def asked(url: str, *command: str) -> list[object]:
    """Return the answers to one command: over a thread's connection, and over a loop's."""

    async def ask() -> object:
        connection = loop_connection(url)
        await connection.connect()
        try:
            (answer,) = await connection.ask_all([command])
        finally:
            connection.disconnect()
        return answer

    with closing(ThreadConnections(redis_client(url, timeouts=PATIENT))) as connections:
        return [connections.ask(*command), asyncio.run(ask())]


def test_a_unix_socket_and_its_database_are_used(redis_path: Path) -> None:
    with redis.Redis(unix_socket_path=str(redis_path), db=1) as client:
        client.set("a", "b")
    assert asked(f"unix://{redis_path}?db=1", "GET", "a") == [b"b", b"b"]
    assert asked(f"unix://{redis_path}", "GET", "a") == [None, None]


def test_the_clients_name_is_seen(redis_path: Path) -> None:
    assert asked(f"unix://{redis_path}?client_name=shop", "CLIENT", "GETNAME") == [b"shop", b"shop"]


def test_a_user_without_a_password_logs_in(redis_path: Path) -> None:
    with redis.Redis(unix_socket_path=str(redis_path)) as admin:
        admin.execute_command("ACL", "SETUSER", "shop", "on", "nopass", "~*", "+@all")
    assert asked(f"unix://shop@{redis_path}", "ACL", "WHOAMI") == [b"shop", b"shop"]


def test_each_address_of_the_host_is_tried(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        real = names.addresses_of("127.0.0.1", urlsplit(redis_url).port or 0, 0)
        refusing = SocketAddress(socket.AF_INET, closed.getsockname())
        monkeypatch.setattr(names, "addresses_of", lambda *_: [refusing, *real])
        assert asked(redis_url, "PING") == [b"PONG", b"PONG"]


def test_the_timeouts_hold_for_an_event_loop_too(redis_url: str) -> None:
    """For a Redis that is far away: its answer takes longer than 50 ms, and the circuit would stay open."""
    with redis.Redis.from_url(redis_url) as client:
        put(client, "p1:1", b"{}")
    environ = {"DATABASE_URL": "postgresql://u:p@127.0.0.1:1/shop"}
    with proxied(redis_url, starttls=False) as proxy:
        far = f"{proxy.in_front_of(redis_url)}?socket_timeout=20&socket_connect_timeout=20"
        settings, metrics = read_settings(environ | {"REDIS_URL": far}), ShopMetrics(CollectorRegistry())
        cache = cast("ReadThroughCache", build_cache(settings, build_store(settings, metrics), metrics))
        proxy.rewrite_answers = slowly

        async def read() -> object:
            try:
                return await cache.read_from_loop(1)
            finally:
                await cache._shared._lookups.close()

        assert asyncio.run(read()) == Reading(b"{}", CacheResult.HIT)


def slowly(answer: bytes) -> bytes:
    time.sleep(0.06)  # as far as that Redis is away
    return answer
