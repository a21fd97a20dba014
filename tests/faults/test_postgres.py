"""PostgreSQL fails over, runs out of connections, or has its password rotated, under load."""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer
from pg8000.native import Connection

from chalicelib.database.migrate import migrate
from chalicelib.stores.credentials import RETRY_SECONDS
from tests.consistency.proxy import Network
from tests.faults.conftest import stock
from tests.faults.load import readers, wait_until, writers
from tests.fixtures.servers import serving
from tests.fixtures.stores import OwnPostgres, OwnRedis, running_postgres


def admin(postgres: OwnPostgres) -> Connection:
    """Connect as the owner of the server."""
    at = postgres.address
    return Connection(at.user, host=at.host, port=at.port, password=at.password, database=at.database)


def test_after_a_failover_to_another_server_everything_goes_on(own_postgres: OwnPostgres, own_redis: OwnRedis) -> None:
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
        with readers(server.url, clients=2) as reads:  # more would keep the proxy, in this process, from its turns
            reads.wait_for(100)
            own_postgres.kill()
            proxy.fail_over(standby.address.port)
            wait_until(lambda: shop.put("/product/1", json={"name": "TV", "price": 1}).status_code == 404)
            stock(shop)  # the standby of this test was never told of the products
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


@pytest.fixture(scope="module")
def secrets_manager() -> Iterator[str]:
    """A Secrets Manager on this machine; its URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Secret:
    """The shop's user name and password in Secrets Manager."""

    def __init__(self, endpoint: str) -> None:
        keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "eu-west-1"}
        self.environ = {"AWS_ENDPOINT_URL": endpoint, "AWS_EC2_METADATA_DISABLED": "true", **keys}
        self._client = boto3.client(
            "secretsmanager",
            endpoint_url=endpoint,
            region_name="eu-west-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        self.arn = self._client.create_secret(Name=f"shop-{secrets.token_hex(4)}", SecretString="{}")["ARN"]

    def put(self, password: str) -> None:
        """Store another password."""
        self._client.put_secret_value(
            SecretId=self.arn, SecretString=json.dumps({"username": "shop", "password": password})
        )


def test_a_rotation_of_the_password_under_load_costs_no_request(
    own_postgres: OwnPostgres, own_redis: OwnRedis, secrets_manager: str
) -> None:
    at = own_postgres.address
    migrate(at.url)
    secret = Secret(secrets_manager)
    with admin(own_postgres) as connection:
        connection.run("CREATE USER shop")
        connection.run("GRANT ALL ON products TO shop")
    rotate(own_postgres, secret)
    environ = {
        **secret.environ,
        "DATABASE_URL": f"postgresql://{at.host}:{at.port}/{at.database}",
        "DATABASE_SECRET_ARN": secret.arn,
        "REDIS_URL": own_redis.url,
        "API_KEYS": "none",
    }
    with serving(environ) as server, httpx.Client(base_url=server.url, timeout=10) as shop:
        stock(shop)
        with readers(server.url, clients=3) as reads, writers(server.url, clients=2) as writes:
            for _ in range(3):
                writes.wait_for(20)
                time.sleep(RETRY_SECONDS)  # rotations are days apart; the secret is not read twice in such a time
                rotate(own_postgres, secret)
            writes.wait_for(20)
        assert set(reads.statuses()) == {200}, server.complaints()
        assert set(writes.statuses()) == {200}, server.complaints()


def rotate(postgres: OwnPostgres, secret: Secret) -> None:
    """Change the shop's password, and end the idle connections that were made with the old one."""
    password = secrets.token_urlsafe(16)
    with admin(postgres) as connection:
        connection.run("BEGIN")
        connection.run(f"ALTER USER shop PASSWORD '{password}'")
        secret.put(password)
        connection.run("COMMIT")
        connection.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop' AND state = 'idle'"
        )
