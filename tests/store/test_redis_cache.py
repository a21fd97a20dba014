"""What the catalog may rely on: a dead Redis fails no read and soon costs none, and no write slips past it."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from chalicelib.breaker import Breaker
from chalicelib.errors import CacheUnavailableError, DatabaseUnavailableError
from chalicelib.ports import CacheResult, Reading
from chalicelib.redis_cache import FailureLog, LazyCache, redis_client
from tests.store.bodies import PATIENT, RADIO, TTL, TV, Database
from tests.store.clock import Clock
from tests.store.products import wait_until
from tests.store.wire import proxied
from tests.stores import OwnRedis


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis_client(redis_url, timeouts=PATIENT) as client:
        yield client


@pytest.fixture
def cache(client: redis.Redis) -> LazyCache:
    return LazyCache(client, TTL)


@pytest.fixture
def own_cache(own_redis: OwnRedis) -> Iterator[LazyCache]:
    """With the timeouts of production."""
    with redis_client(own_redis.url) as client:
        yield LazyCache(client, TTL)


class TestReads:
    """Lazy loading: the first read loads and remembers, later ones are answered by Redis."""

    def test_the_first_read_loads_and_the_second_hits(self, cache: LazyCache) -> None:
        database = Database()
        assert cache.read(1, database) == Reading(TV, CacheResult.MISS)
        assert cache.read(1, database) == Reading(TV, CacheResult.HIT)
        assert database.loads == 1

    def test_products_are_kept_apart(self, cache: LazyCache) -> None:
        cache.read(1, Database(TV))
        cache.read(11, Database(RADIO))
        assert cache.read(1, Database()) == Reading(TV, CacheResult.HIT)
        assert cache.read(11, Database()) == Reading(RADIO, CacheResult.HIT)

    def test_absence_is_answered_and_not_remembered(self, cache: LazyCache, client: redis.Redis) -> None:
        assert cache.read(1, Database(None)) == Reading(None, CacheResult.MISS)
        assert client.exists("p1:1") == 0
        assert cache.read(1, Database(TV)) == Reading(TV, CacheResult.MISS)

    @pytest.mark.parametrize(("chance", "seconds"), [(0.0, 3600), (0.5, 3510), (1.0, 3420)])
    def test_a_lifetime_is_the_ttl_shortened_by_up_to_a_twentieth(
        self, client: redis.Redis, chance: float, seconds: int
    ) -> None:
        LazyCache(client, TTL, chance=lambda: chance).read(1, Database())
        assert seconds - 1 <= client.ttl("p1:1") <= seconds

    def test_the_shortest_ttl_is_still_one(self, client: redis.Redis) -> None:
        LazyCache(client, 1, chance=lambda: 1.0).read(1, Database())
        assert client.ttl("p1:1") == 1

    def test_a_failing_load_fails_the_read_and_remembers_nothing(self, cache: LazyCache, client: redis.Redis) -> None:
        def load() -> bytes | None:
            raise DatabaseUnavailableError("away")

        with pytest.raises(DatabaseUnavailableError):
            cache.read(1, load)
        assert client.exists("p1:1") == 0

    def test_a_hit_takes_one_round_trip_and_a_miss_two(self, redis_url: str) -> None:
        with proxied(redis_url) as proxy, redis_client(proxy.in_front_of(redis_url)) as client:
            cache = LazyCache(client, TTL)
            cache.read(1, Database())
            assert proxy.round_trips == 1 + 2, "HELLO on a fresh connection, then GET and SET"
            cache.read(1, Database())
            assert proxy.round_trips == 1 + 2 + 1


class TestWrites:
    """A fence takes the old value away before COMMIT and again after it, or refuses the write."""

    def test_a_write_deletes_before_commit(self, cache: LazyCache, client: redis.Redis) -> None:
        cache.read(1, Database(TV))
        cache.fence(1).raise_()
        assert client.exists("p1:1") == 0

    def test_a_write_deletes_what_was_loaded_meanwhile(self, cache: LazyCache) -> None:
        fence = cache.fence(1)
        fence.raise_()
        cache.read(1, Database(TV))
        fence.publish(RADIO)
        assert cache.read(1, Database(RADIO)) == Reading(RADIO, CacheResult.MISS)

    def test_a_write_leaves_other_products_alone(self, cache: LazyCache) -> None:
        cache.read(2, Database())
        fence = cache.fence(1)
        fence.raise_()
        fence.publish(None)
        assert cache.read(2, Database()).result is CacheResult.HIT

    @pytest.mark.parametrize("step", ["raise_", "publish"])
    @pytest.mark.parametrize("fault", ["stop", "freeze"])
    def test_a_redis_that_is_away_refuses_the_write(
        self, own_cache: LazyCache, own_redis: OwnRedis, fault: str, step: str
    ) -> None:
        own_cache.read(1, Database())
        getattr(own_redis, fault)()
        fence = own_cache.fence(1)
        with pytest.raises(CacheUnavailableError) as raised:
            fence.raise_() if step == "raise_" else fence.publish(TV)
        assert isinstance(raised.value.__cause__, redis.RedisError)

    def test_an_answer_that_is_lost_refuses_the_write(self, redis_url: str) -> None:
        with proxied(redis_url) as proxy, redis_client(proxy.in_front_of(redis_url), timeouts=PATIENT) as client:
            cache = LazyCache(client, TTL)
            cache.read(1, Database())
            proxy.cut_answers_to = b"DEL"
            with pytest.raises(CacheUnavailableError):
                cache.fence(1).publish(TV)

    def test_an_open_breaker_does_not_keep_a_write_from_asking(self, client: redis.Redis) -> None:
        breaker = Breaker(failures_to_open=1)
        breaker.failed()
        LazyCache(client, TTL, breaker=breaker).fence(1).raise_()
        assert breaker.allows()


class TestOutages:
    """Redis away: every read is answered from the database, and after three of them at no cost."""

    def test_a_stopped_redis_fails_no_read(self, own_cache: LazyCache, own_redis: OwnRedis) -> None:
        own_cache.read(1, Database(TV))
        own_redis.stop()
        database = Database(RADIO)
        for _ in range(10):
            assert own_cache.read(1, database) == Reading(RADIO, CacheResult.BYPASS)
        assert database.loads == 10
        assert own_cache.failures.count == 3, "the breaker opened"

    def test_a_frozen_redis_costs_three_reads_sixty_milliseconds_and_later_ones_nothing(
        self, own_cache: LazyCache, own_redis: OwnRedis
    ) -> None:
        own_cache.read(1, Database())
        own_redis.freeze()
        seconds = [timed(lambda: own_cache.read(1, Database())) for _ in range(50)]
        assert max(seconds[:3]) < 0.06 + 0.04  # the machine that tests may be busy
        assert sum(seconds[3:]) < 0.01

    def test_a_redis_that_comes_back_is_used_again_within_a_second(
        self, own_cache: LazyCache, own_redis: OwnRedis
    ) -> None:
        own_cache.read(1, Database())
        own_redis.freeze()
        for _ in range(5):
            own_cache.read(1, Database())
        own_redis.thaw()
        wait_until(lambda: own_cache.read(1, Database()).result is CacheResult.HIT, 1.5)

    def test_reads_from_many_threads_survive_a_kill_and_a_restart(
        self, own_cache: LazyCache, own_redis: OwnRedis
    ) -> None:
        stop = threading.Event()

        def read_on() -> int:
            reads = 0
            while not stop.is_set():
                assert own_cache.read(1, Database()).body == TV
                reads += 1
            return reads

        with ThreadPoolExecutor(8) as threads:
            readers = [threads.submit(read_on) for _ in range(8)]
            time.sleep(0.2)
            own_redis.kill()
            time.sleep(0.3)
            own_redis.start()
            wait_until(lambda: own_cache.read(1, Database()).result is CacheResult.HIT)
            stop.set()
            assert min(reader.result() for reader in readers) > 10

    def test_a_restart_while_idle_is_noticed_by_nobody(self, own_cache: LazyCache, own_redis: OwnRedis) -> None:
        own_cache.read(1, Database())
        own_redis.kill()
        own_redis.start()
        assert own_cache.read(1, Database()).result is CacheResult.MISS
        assert own_cache.failures.count == 0

    def test_a_redis_that_cannot_store_still_answers(self, own_cache: LazyCache, own_redis: OwnRedis) -> None:
        with redis.Redis.from_url(own_redis.url) as admin:
            admin.config_set("maxmemory", "1")
        assert own_cache.read(1, Database()) == Reading(TV, CacheResult.MISS)
        assert own_cache.failures.count == 1

    def test_nonsense_under_the_key_is_no_answer(self, cache: LazyCache, client: redis.Redis) -> None:
        client.rpush("p1:1", "not", "a", "product")
        assert cache.read(1, Database()) == Reading(TV, CacheResult.BYPASS)

    def test_a_demoted_redis_refuses_writes_and_its_connections_are_left(
        self, own_cache: LazyCache, own_redis: OwnRedis
    ) -> None:
        with redis.Redis.from_url(own_redis.url) as admin:
            own_cache.read(1, Database())
            before = connection_ids(own_cache, 4)
            admin.replicaof("127.0.0.1", 1)
            with pytest.raises(CacheUnavailableError, match="read only"):
                own_cache.fence(1).raise_()
            admin.replicaof("NO", "ONE")
            own_cache.fence(1).raise_()
            assert not before & connection_ids(own_cache, 4)

    def test_a_loading_redis_fails_no_read_and_its_connections_are_left(self, redis_url: str) -> None:
        with proxied(redis_url) as proxy, redis_client(proxy.in_front_of(redis_url), timeouts=PATIENT) as client:
            cache = LazyCache(client, TTL)
            before = connection_ids(cache, 4)
            proxy.rewrite_answers = lambda data: b"-LOADING Redis is loading the dataset in memory\r\n"
            assert cache.read(1, Database()) == Reading(TV, CacheResult.BYPASS)
            proxy.rewrite_answers = lambda data: data
            assert cache.read(1, Database()) == Reading(TV, CacheResult.MISS)
            assert not before & connection_ids(cache, 4)

    def test_failures_are_counted_and_some_are_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        clock = Clock()
        log = FailureLog(clock)
        with caplog.at_level(logging.WARNING):
            for _ in range(100):
                log.record(redis.ConnectionError("refused"))
                clock.now += 0.1
        assert log.count == 100
        assert [record.getMessage() for record in caplog.records] == [
            "Redis failed 1 time(s) since last reported: ConnectionError: refused",
            "Redis failed 50 time(s) since last reported: ConnectionError: refused",
        ]


def connection_ids(cache: LazyCache, threads: int) -> set[int]:
    """Return what the server calls the connections of so many threads at once."""
    pool = cache._client.connection_pool
    connections = [pool.get_connection() for _ in range(threads)]
    try:
        for connection in connections:
            connection.send_command("CLIENT", "ID")
        return {connection.read_response() for connection in connections}
    finally:
        for connection in connections:
            pool.release(connection)


def timed(action: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began
