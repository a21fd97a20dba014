"""Under load: PostgreSQL fails over, runs out of connections, or its password is rotated."""

import secrets
import time
from contextlib import ExitStack

import httpx
from pg8000.native import Connection

from chalicelib.database.migrate import migrate
from chalicelib.stores.credentials import RETRY_SECONDS
from tests.faults.conftest import stock
from tests.faults.load import readers, wait_until, writers
from tests.fixtures.secrets_manager import SecretsManager, serving_secrets_manager
from tests.fixtures.servers import serving
from tests.fixtures.stores import OwnPostgres, OwnRedis, running_postgres
from tests.fixtures.wire import Network


def admin(postgres: OwnPostgres) -> Connection:
    """Connect as the owner of the server."""
    at = postgres.address
    return Connection(at.user, host=at.host, port=at.port, password=at.password, database=at.database)


def test_after_a_failover_reads_and_writes_work(own_postgres: OwnPostgres, own_redis: OwnRedis) -> None:
    with ExitStack() as stack:
        standby = stack.enter_context(running_postgres())
        for each in (own_postgres, standby):
            migrate(each.address.url)
        same_password(own_postgres, standby)
        proxy = stack.enter_context(Network()).proxy(own_postgres.address.port)
        url = own_postgres.address.url.replace(f":{own_postgres.address.port}/", f":{proxy.port}/")
        server = stack.enter_context(serving({"DATABASE_URL": url, "REDIS_URL": own_redis.url, "API_KEYS": "none"}))
        shop = stack.enter_context(httpx.Client(base_url=server.url, timeout=10))
        stock(shop)
        with readers(server.url, clients=2) as reads:  # more would slow down the proxy, which runs in this process
            reads.wait_for(100)
            own_postgres.kill()
            proxy.fail_over(standby.address.port)
            wait_until(lambda: shop.put("/product/1", json={"name": "TV", "price": 1}).status_code == 404)
            stock(shop)  # this test's standby has no products
            back = time.monotonic()
            reads.wait_for(200)
        assert set(reads.statuses()) <= {200, 404, 503}
        assert set(reads.statuses(back)) == {200}, server.complaints()
        assert shop.put("/product/1", json={"name": "TV", "price": 2}).status_code == 200


def same_password(primary: OwnPostgres, standby: OwnPostgres) -> None:
    with admin(standby) as connection:
        connection.run(f"ALTER USER {primary.address.user} PASSWORD '{primary.address.password}'")


def test_four_tasks_share_ten_connections_without_an_error(own_postgres: OwnPostgres, own_redis: OwnRedis) -> None:
    migrate(own_postgres.address.url)
    with admin(own_postgres) as connection:
        connection.run("ALTER SYSTEM SET max_connections = 10")
    own_postgres.stop()
    own_postgres.start()
    environ = {"DATABASE_URL": own_postgres.address.url, "REDIS_URL": own_redis.url, "API_KEYS": "none"}
    with ExitStack() as stack:
        urls = [stack.enter_context(serving(environ)).url for _ in range(4)]
        shop = stack.enter_context(httpx.Client(base_url=urls[0], timeout=10))
        wait_until(lambda: shop.get("/products").status_code == 200)
        stock(shop)
        with readers(*urls, clients=8) as reads, writers(*urls, clients=16) as writes:
            own_redis.stop()  # every read needs PostgreSQL now
            reads.wait_for(300)
            own_redis.start()
            writes.wait_for(100)
        assert set(reads.statuses()) <= {200, 503}
        assert set(writes.statuses()) <= {200, 503}
        wait_until(lambda: shop.put("/product/1", json={"name": "TV", "price": 2}).status_code == 200)


def test_during_rotations_of_the_password_no_request_fails(own_postgres: OwnPostgres, own_redis: OwnRedis) -> None:
    at = own_postgres.address
    migrate(at.url)
    with admin(own_postgres) as connection:
        connection.run("CREATE USER shop PASSWORD 'first'")
        connection.run("GRANT ALL ON products TO shop")
    with ExitStack() as stack:
        secrets_manager = stack.enter_context(serving_secrets_manager())
        environ = secrets_manager.environ_for(f"postgresql://shop:first@{at.host}:{at.port}/{at.database}")
        arn = environ["DATABASE_SECRET_ARN"]
        server = stack.enter_context(serving({**environ, "REDIS_URL": own_redis.url, "API_KEYS": "none"}))
        shop = stack.enter_context(httpx.Client(base_url=server.url, timeout=10))
        stock(shop)
        with readers(server.url, clients=3) as reads, writers(server.url, clients=2) as writes:
            for _ in range(3):
                writes.wait_for(20)
                time.sleep(RETRY_SECONDS)  # the secret is read at most once in this time
                rotate(own_postgres, secrets_manager, arn)
            writes.wait_for(20)
        assert set(reads.statuses()) == {200}, server.complaints()
        assert set(writes.statuses()) == {200}, server.complaints()


def rotate(postgres: OwnPostgres, secrets_manager: SecretsManager, arn: str) -> None:
    """Change the shop's password, and close the idle connections."""
    password = secrets.token_urlsafe(16)
    with admin(postgres) as connection:
        connection.run("BEGIN")
        connection.run(f"ALTER USER shop PASSWORD '{password}'")
        secrets_manager.put_login(arn, "shop", password)
        connection.run("COMMIT")
        connection.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop' AND state = 'idle'"
        )
