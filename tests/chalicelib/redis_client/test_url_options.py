"""What a URL says reaches a real Redis, over threads' connections and over an event loop's."""

import asyncio
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from chalicelib.redis_client.client import CacheTimeouts, loop_connection, redis_client
from chalicelib.redis_client.thread_connections import ThreadConnections
from local.servers.redis import _program_path
from tests.fixtures.stores import running_redis

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
