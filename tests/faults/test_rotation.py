"""Under load: a store's password is rotated. The store changes it first, and the secret has it a moment later."""

import secrets
import time
from collections.abc import Iterator

import httpx
import pytest
import redis

from chalicelib.database.migrate import migrate
from tests.faults.conftest import stock
from tests.faults.load import PRODUCTS, Load, page, readers, wait_until, writers
from tests.faults.test_postgres import admin
from tests.fixtures.secrets_manager import SecretsManager, serving_secrets_manager
from tests.fixtures.servers import Server, serving
from tests.fixtures.stores import OwnPostgres, OwnRedis


@pytest.fixture
def secrets_manager() -> Iterator[SecretsManager]:
    with serving_secrets_manager() as secrets_manager:
        yield secrets_manager


class Rotation:
    """A shop that logs in to a store as the user `shop`, with a password in a secret. It has the ten products."""

    def __init__(self, server: Server, shop: httpx.Client, secrets_manager: SecretsManager, arn: str) -> None:
        self.server = server
        self.shop = shop
        self.password = secrets.token_urlsafe(16)  # the next one
        self._secrets_manager = secrets_manager
        self._arn = arn

    def finish(self) -> None:
        """Put the next password into the secret."""
        self._secrets_manager.put_login(self._arn, "shop", self.password)


class TestPostgres:
    """Open connections go on; a request that gets none fails with 503 at worst, until the secret is newer."""

    @pytest.fixture
    def rotation(
        self, own_postgres: OwnPostgres, own_redis: OwnRedis, secrets_manager: SecretsManager
    ) -> Iterator[Rotation]:
        at = own_postgres.address
        migrate(at.url)
        with admin(own_postgres) as connection:
            connection.run("CREATE USER shop PASSWORD 'first'")
            connection.run("GRANT ALL ON products TO shop")
        environ = secrets_manager.environ_for(f"postgresql://shop:first@{at.host}:{at.port}/{at.database}")
        with (
            serving({**environ, "REDIS_URL": own_redis.url, "API_KEYS": "none"}) as server,
            httpx.Client(base_url=server.url, timeout=10) as shop,
        ):
            for each in PRODUCTS:  # one after the other: one connection is open
                assert shop.post("/data", json={"id": each, "name": "TV", "price": each}).status_code == 201
            yield Rotation(server, shop, secrets_manager, environ["DATABASE_SECRET_ARN"])

    def test_no_request_fails_while_one_connection_is_open(self, rotation: Rotation, own_postgres: OwnPostgres) -> None:
        change_password(own_postgres, rotation.password)
        with Load([rotation.server.url], page, 8) as reads, writers(rotation.server.url, clients=8) as writes:
            reads.wait_for(200)
            writes.wait_for(100)
            assert failed_logins(own_postgres) > 0, "more connections were needed"
            rotation.finish()
            wait_until(lambda: connections(own_postgres) > 1)
            writes.wait_for(50)
        assert set(reads.statuses()) == {200}, rotation.server.complaints()
        assert set(writes.statuses()) == {200}, rotation.server.complaints()

    def test_without_a_connection_requests_fail_with_503_until_the_secret_is_newer(
        self, rotation: Rotation, own_postgres: OwnPostgres
    ) -> None:
        with Load([rotation.server.url], page, 4) as reads, writers(rotation.server.url) as writes:
            reads.wait_for(50)
            change_password(own_postgres, rotation.password)
            end_connections(own_postgres)
            wait_until(lambda: reads.statuses()[503] > 100 and writes.statuses()[503] > 100)
            assert failed_logins(own_postgres) < 20, "not one for each request"
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

    @pytest.fixture(params=["waitress", "uvicorn"], ids=["threads", "a loop"])
    def rotation(
        self,
        request: pytest.FixtureRequest,
        own_database_url: str,
        own_redis: OwnRedis,
        secrets_manager: SecretsManager,
    ) -> Iterator[Rotation]:
        with redis.Redis.from_url(own_redis.url) as client:
            client.execute_command("ACL", "SETUSER", "shop", "on", ">first", "~*", "+@all")
        arn = secrets_manager.create()
        secrets_manager.put_login(arn, "shop", "first")
        stores = {"DATABASE_URL": own_database_url, "REDIS_URL": own_redis.url, "REDIS_SECRET_ARN": arn}
        with (
            serving({**secrets_manager.environ, **stores, "API_KEYS": "none", "SERVER": request.param}) as server,
            httpx.Client(base_url=server.url, timeout=10) as shop,
        ):
            stock(shop)
            yield Rotation(server, shop, secrets_manager, arn)

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


def change_password(postgres: OwnPostgres, password: str) -> None:
    with admin(postgres) as connection:
        connection.run(f"ALTER USER shop PASSWORD '{password}'")


def end_connections(postgres: OwnPostgres) -> None:
    with admin(postgres) as connection:
        connection.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop'")


def connections(postgres: OwnPostgres) -> int:
    """Return how many connections the shop has."""
    with admin(postgres) as connection:
        return int(connection.run("SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop'")[0][0])


def failed_logins(postgres: OwnPostgres) -> int:
    """Return how many logins the server refused since its start."""
    return postgres.log.read_text().count("password authentication failed")
