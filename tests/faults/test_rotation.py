"""Under load: a store's password is rotated. The store changes it first, and the secret has it a moment later."""

import secrets
import time
from collections.abc import Iterator

import httpx
import pytest
import redis

from chalicelib.stores.credentials import RETRY_SECONDS
from tests.chalicelib.database.products import session, sql
from tests.faults.conftest import stock
from tests.faults.load import PRODUCTS, Load, page, readers, wait_until, writers
from tests.fixtures.emulated_aws import SecretsManager, serving_secrets_manager
from tests.fixtures.servers import Server, serving
from tests.fixtures.stores import OwnPostgres, OwnRedis


@pytest.fixture
def secrets_manager() -> Iterator[SecretsManager]:
    with serving_secrets_manager() as secrets_manager:
        yield secrets_manager


class Rotation:
    """A shop that logs in to a store as a user of its own, with a password in a secret. It has the ten products."""

    def __init__(
        self, server: Server, shop: httpx.Client, secrets_manager: SecretsManager, user: str, arn: str
    ) -> None:
        self.server = server
        self.shop = shop
        self.user = user
        self.password = secrets.token_urlsafe(16)  # the next one
        self._secrets_manager = secrets_manager
        self._arn = arn

    def finish(self) -> None:
        """Put the next password into the secret."""
        self._secrets_manager.put_login(self._arn, self.user, self.password)


class TestPostgres:
    """Open connections go on; a request that gets none fails with 503 at worst, until the secret is newer."""

    @pytest.fixture
    def rotation(self, database_url: str, redis_url: str, secrets_manager: SecretsManager) -> Iterator[Rotation]:
        user = f"shop_{secrets.token_hex(4)}"
        sql(database_url, f"CREATE USER {user} PASSWORD 'first'")
        sql(database_url, f"GRANT ALL ON products TO {user}")
        environ = secrets_manager.environ_for(f"postgresql://{user}:first@{database_url.rpartition('@')[2]}")
        try:
            with (
                serving({**environ, "REDIS_URL": redis_url, "API_KEYS": "none"}) as server,
                httpx.Client(base_url=server.url, timeout=10) as shop,
            ):
                for each in PRODUCTS:  # one after the other: one connection is open
                    assert shop.post("/data", json={"id": each, "name": "TV", "price": each}).status_code == 201
                yield Rotation(server, shop, secrets_manager, user, environ["DATABASE_SECRET_ARN"])
        finally:
            sql(database_url, f"DROP OWNED BY {user}")
            sql(database_url, f"DROP USER {user}")

    def test_no_request_fails_while_one_connection_is_open(
        self, rotation: Rotation, database_url: str, postgres: OwnPostgres
    ) -> None:
        change_password(database_url, rotation)
        with Load([rotation.server.url], page, 8) as reads, writers(rotation.server.url, clients=8) as writes:
            reads.wait_for(200)
            writes.wait_for(100)
            assert failed_logins(postgres, rotation) > 0, "more connections were needed"
            rotation.finish()
            wait_until(lambda: connections(database_url, rotation) > 1)
            writes.wait_for(50)
        assert set(reads.statuses()) == {200}, rotation.server.complaints()
        assert set(writes.statuses()) == {200}, rotation.server.complaints()

    def test_no_request_fails_where_the_secret_is_newer_when_connections_end(
        self, rotation: Rotation, database_url: str
    ) -> None:
        with Load([rotation.server.url], page, 3) as reads, writers(rotation.server.url, clients=2) as writes:
            writes.wait_for(20)
            time.sleep(RETRY_SECONDS)  # the secret is read at most once in this time
            with session(database_url) as connection:
                connection.run("BEGIN")
                connection.run(f"ALTER USER {rotation.user} PASSWORD '{rotation.password}'")
                rotation.finish()
                connection.run("COMMIT")
            end_idle_connections(database_url, rotation)
            writes.wait_for(20)
        assert set(reads.statuses()) == {200}, rotation.server.complaints()
        assert set(writes.statuses()) == {200}, rotation.server.complaints()

    def test_without_a_connection_requests_fail_with_503_until_the_secret_is_newer(
        self, rotation: Rotation, database_url: str, postgres: OwnPostgres
    ) -> None:
        with Load([rotation.server.url], page, 4) as reads, writers(rotation.server.url) as writes:
            reads.wait_for(50)
            change_password(database_url, rotation)
            end_connections(database_url, rotation)
            wait_until(lambda: reads.statuses()[503] > 100 and writes.statuses()[503] > 100)
            assert failed_logins(postgres, rotation) < 20, "not one for each request"
            rotation.finish()
            wait_until(lambda: rotation.shop.get("/products").status_code == 200)
            back = time.monotonic()
            reads.wait_for(50)
            writes.wait_for(50)
        for load in (reads, writes):
            assert set(load.statuses()) == {200, 503}, rotation.server.complaints()
            assert set(load.statuses(back)) == {200}, rotation.server.complaints()
        assert "Traceback" not in rotation.server.output()


class TestRedis:
    """Open connections go on. Without one, reads come from PostgreSQL, and writes fail with 503."""

    @pytest.fixture
    def rotation(self, database_url: str, own_redis: OwnRedis, secrets_manager: SecretsManager) -> Iterator[Rotation]:
        """Under uvicorn, whose event loop has a connection of its own beside those of threads."""
        with redis.Redis.from_url(own_redis.url) as client:
            client.execute_command("ACL", "SETUSER", "shop", "on", ">first", "~*", "+@all")
        arn = secrets_manager.create()
        secrets_manager.put_login(arn, "shop", "first")
        stores = {"DATABASE_URL": database_url, "REDIS_URL": own_redis.url, "REDIS_SECRET_ARN": arn}
        with (
            serving({**secrets_manager.environ, **stores, "API_KEYS": "none", "SERVER": "uvicorn"}) as server,
            httpx.Client(base_url=server.url, timeout=10) as shop,
        ):
            stock(shop)
            yield Rotation(server, shop, secrets_manager, "shop", arn)

    def test_open_connections_go_on_and_new_ones_wait_for_the_secret(
        self, rotation: Rotation, own_redis: OwnRedis
    ) -> None:
        shop = rotation.shop
        with (
            readers(rotation.server.url) as reads,
            writers(rotation.server.url, clients=8) as writes,
            redis.Redis.from_url(own_redis.url) as client,
        ):
            writes.wait_for(200)
            client.execute_command("ACL", "SETUSER", "shop", "resetpass", f">{rotation.password}")
            changed = time.monotonic()
            writes.wait_for(100)
            assert writes.statuses(changed)[200] > writes.statuses(changed)[503], "of a thread without a connection"
            assert 'store_up{store="redis"} 1.0' in shop.get("/metrics").text
            client.client_kill_filter(user="shop", skipme=True)
            wait_until(lambda: shop.get("/product/1").headers["x-cache"] == "bypass")
            wait_until(lambda: shop.put("/product/1", json={"name": "TV", "price": 1}).status_code == 503)
            reads.wait_for(200)
            assert sum(int(each["count"]) for each in client.acl_log()) < 20, "not one login for each request"
            rotation.finish()
            wait_until(lambda: shop.put("/product/1", json={"name": "TV", "price": 1}).status_code == 200)
            wait_until(lambda: shop.get("/product/1").headers["x-cache"] == "hit")
        assert set(reads.statuses()) == {200}, rotation.server.complaints()
        assert set(writes.statuses()) <= {200, 503}, rotation.server.complaints()
        assert "Traceback" not in rotation.server.output()


def change_password(url: str, rotation: Rotation) -> None:
    sql(url, f"ALTER USER {rotation.user} PASSWORD '{rotation.password}'")


def end_connections(url: str, rotation: Rotation) -> None:
    sql(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = :user", user=rotation.user)


def end_idle_connections(url: str, rotation: Rotation) -> None:
    idle = "usename = :user AND state = 'idle'"
    sql(url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {idle}", user=rotation.user)


def connections(url: str, rotation: Rotation) -> int:
    """Return how many connections the shop has."""
    return len(sql(url, "SELECT pid FROM pg_stat_activity WHERE usename = :user", user=rotation.user))


def failed_logins(postgres: OwnPostgres, rotation: Rotation) -> int:
    """Return how many logins of the shop the server refused."""
    return postgres.log.read_text().count(f'password authentication failed for user "{rotation.user}"')
