"""Where credentials come from: the URL, or Secrets Manager (which `moto` plays), asked as seldom as possible."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import boto3
import pytest
from moto.server import ThreadedMotoServer

from chalicelib.database.store import PostgresStore
from chalicelib.errors import DatabaseUnavailableError, ServiceUnavailableError
from chalicelib.stores.credentials import (
    NO_CREDENTIALS,
    Credentials,
    CredentialsUnavailableError,
    FixedCredentials,
    SecretCredentials,
    source,
)
from tests.chalicelib.database.products import sql, store_at
from tests.fixtures.clock import Clock
from tests.fixtures.wire import Proxy, proxied

OLD = Credentials("shop", "old")
NEW = Credentials("shop", "new")


class Secret:
    """A secret in Secrets Manager."""

    def __init__(self) -> None:
        self._client = boto3.client("secretsmanager")
        self.arn: str = self._client.create_secret(Name=f"shop/{os.urandom(8).hex()}")["ARN"]

    def put(self, text: str) -> None:
        self._client.put_secret_value(SecretId=self.arn, SecretString=text)

    def say(self, credentials: Credentials) -> None:
        self.put(json.dumps({"username": credentials.username, "password": credentials.password}))


@pytest.fixture(scope="module")
def secrets_manager() -> Iterator[Proxy]:
    """Secrets Manager, behind a proxy that counts."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with proxied(f"http://{host}:{port}") as proxy:
        yield proxy
    server.stop()


@pytest.fixture(autouse=True)
def aws(secrets_manager: Proxy, monkeypatch: pytest.MonkeyPatch) -> Proxy:
    """An environment that knows no other AWS than this one."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{secrets_manager.port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    boto3.setup_default_session()
    return secrets_manager


@pytest.fixture
def secret(aws: Proxy) -> Secret:
    secret = Secret()
    secret.say(OLD)
    return secret


@pytest.fixture
def asked(aws: Proxy) -> Callable[[], int]:
    """How often Secrets Manager was asked since the last call."""

    def count() -> int:
        asked, aws.round_trips = aws.round_trips, 0
        return asked

    return count


def test_without_a_secret_credentials_are_fixed() -> None:
    assert source(OLD, None) == FixedCredentials(OLD)
    assert source(OLD, None).refresh(OLD) == OLD
    assert source(None, None).current() == NO_CREDENTIALS


def test_a_secret_overrides_fixed_credentials(secret: Secret) -> None:
    secret.say(NEW)
    assert source(OLD, secret.arn).current() == NEW


def test_a_secret_is_read_once(secret: Secret, asked: Callable[[], int]) -> None:
    credentials = SecretCredentials(secret.arn)
    asked()
    assert [credentials.current() for _ in range(5)] == [OLD] * 5
    assert asked() == 1


def test_many_threads_that_need_it_at_once_read_it_once(secret: Secret, asked: Callable[[], int]) -> None:
    credentials = SecretCredentials(secret.arn)
    asked()
    assert at_once(credentials.current) == [OLD] * 8
    assert asked() == 1


def test_refused_credentials_are_read_again(secret: Secret) -> None:
    clock = Clock()
    credentials = SecretCredentials(secret.arn, clock)
    credentials.current()
    secret.say(NEW)
    clock.now += 1
    assert credentials.current() == OLD
    assert credentials.refresh(OLD) == NEW
    assert credentials.current() == NEW


def test_many_threads_that_were_refused_at_once_read_it_once(secret: Secret, asked: Callable[[], int]) -> None:
    clock = Clock()
    credentials = SecretCredentials(secret.arn, clock)
    credentials.current()
    secret.say(NEW)
    clock.now += 1
    asked()
    assert at_once(lambda: credentials.refresh(OLD)) == [NEW] * 8
    assert asked() == 1


def test_a_secret_that_stays_wrong_is_read_once_a_second(secret: Secret, asked: Callable[[], int]) -> None:
    clock = Clock()
    credentials = SecretCredentials(secret.arn, clock)
    credentials.current()
    clock.now += 1
    asked()
    for _ in range(10):
        assert credentials.refresh(OLD) == OLD
    assert asked() == 1
    clock.now += 1
    credentials.refresh(OLD)
    assert asked() == 1


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[]", '"shop"', "{}", '{"username":"shop"}', '{"username":"shop","password":7}']
)
def test_a_secret_of_another_form_is_a_clear_error_that_does_not_quote_it(secret: Secret, text: str) -> None:
    if text:
        secret.put(text)
    else:
        secret = Secret()
    with pytest.raises(CredentialsUnavailableError, match=secret.arn) as raised:
        SecretCredentials(secret.arn).current()
    assert isinstance(raised.value, ServiceUnavailableError)
    assert "nonsense" not in str(raised.value)


def test_a_secret_that_is_not_there_is_a_clear_error(aws: Proxy) -> None:
    with pytest.raises(CredentialsUnavailableError, match=r"shop/none cannot be read: .*ResourceNotFoundException"):
        SecretCredentials("shop/none").current()


def test_a_secrets_manager_that_is_away_is_an_error_once_a_second(aws: Proxy, asked: Callable[[], int]) -> None:
    clock = Clock()
    credentials = SecretCredentials("shop/none", clock)
    with pytest.raises(CredentialsUnavailableError, match="cannot be read"):
        credentials.current()
    asked()
    for _ in range(3):
        with pytest.raises(CredentialsUnavailableError, match="a moment ago"):
            credentials.current()
    assert asked() == 0


def test_a_rotation_costs_the_database_no_request(secret: Secret, database_url: str) -> None:
    sql(database_url, "CREATE ROLE shop LOGIN PASSWORD 'old'")
    sql(database_url, "GRANT SELECT ON products TO shop")
    clock = Clock()
    try:
        with closing(store_at(database_url, credentials=SecretCredentials(secret.arn, clock))) as store:
            store.read(1)
            secret.say(NEW)
            sql(database_url, "ALTER ROLE shop PASSWORD 'new'")
            clock.now += 1
            drop_connections(store)
            assert store.read(1) is None
    finally:
        sql(database_url, "DROP OWNED BY shop")
        sql(database_url, "DROP ROLE shop")


def test_a_secret_that_cannot_be_read_is_an_outage_of_the_database(database_url: str) -> None:
    with (
        closing(store_at(database_url, credentials=SecretCredentials("shop/none"))) as store,
        pytest.raises(DatabaseUnavailableError, match="shop/none cannot be read"),
    ):
        store.read(1)


def test_without_a_secret_boto3_is_not_imported() -> None:
    code = (
        "import sys; from chalicelib.stores import credentials; from chalicelib.database import store;"
        " from chalicelib.redis_client import client;"
        " credentials.source(None, None); sys.exit('boto3' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def drop_connections(store: PostgresStore) -> None:
    while store.pool.checkedin():
        store.pool.discard(store.pool.checkout())


def at_once(action: Callable[[], Credentials]) -> list[Credentials]:
    barrier = threading.Barrier(8)

    def wait_and_act(_: int) -> Credentials:
        barrier.wait()
        return action()

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(wait_and_act, range(8)))
