"""Credentials come from the URL or from Secrets Manager, which is read as rarely as possible."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import boto3
import pytest

from chalicelib.database.pool import Timeouts
from chalicelib.errors import DatabaseUnavailableError, ServiceUnavailableError
from chalicelib.stores.credentials import (
    NO_CREDENTIALS,
    Credentials,
    CredentialsUnavailableError,
    FixedCredentials,
    SecretCredentials,
    source,
)
from local.waiting import wait_until
from tests.chalicelib.database.products import store_at
from tests.fixtures.clock import Clock
from tests.fixtures.emulated_aws import SecretsManager, serving_secrets_manager
from tests.fixtures.wire import Proxy, proxied

OLD = Credentials("shop", "old")
NEW = Credentials("shop", "new")


class Secret:
    """A secret in Secrets Manager."""

    def __init__(self, manager: SecretsManager) -> None:
        self._manager = manager
        self.arn = manager.create()

    def put(self, text: str) -> None:
        self._manager.put(self.arn, text)

    def put_login(self, credentials: Credentials) -> None:
        self._manager.put_login(self.arn, credentials.username, credentials.password)


@pytest.fixture(scope="module")
def manager() -> Iterator[SecretsManager]:
    with serving_secrets_manager() as manager:
        yield manager


@pytest.fixture(scope="module")
def secrets_manager(manager: SecretsManager) -> Iterator[Proxy]:
    """Secrets Manager, behind a proxy that counts requests."""
    with proxied(manager.url) as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def aws(manager: SecretsManager, secrets_manager: Proxy, monkeypatch: pytest.MonkeyPatch) -> Proxy:
    """An environment with this Secrets Manager and nothing else of AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in manager.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{secrets_manager.port}")
    boto3.setup_default_session()
    return secrets_manager


@pytest.fixture
def secret(manager: SecretsManager) -> Secret:
    secret = Secret(manager)
    secret.put_login(OLD)
    return secret


@pytest.fixture
def asked(aws: Proxy) -> Callable[[], int]:
    """Counts the requests to Secrets Manager since the last call."""

    def count() -> int:
        asked, aws.round_trips = aws.round_trips, 0
        return asked

    return count


def test_without_a_secret_credentials_are_fixed() -> None:
    assert source(OLD, None) == FixedCredentials(OLD)
    assert source(OLD, None).refresh(OLD) == OLD
    assert source(None, None).current() == NO_CREDENTIALS


def test_a_secret_overrides_fixed_credentials(secret: Secret) -> None:
    secret.put_login(NEW)
    assert source(OLD, secret.arn).current() == NEW


def test_a_secret_is_read_once(secret: Secret, asked: Callable[[], int]) -> None:
    credentials = SecretCredentials(secret.arn)
    asked()
    assert [credentials.current() for _ in range(5)] == [OLD] * 5
    assert asked() == 1


def test_many_threads_that_need_a_secret_read_it_once(secret: Secret, asked: Callable[[], int]) -> None:
    credentials = SecretCredentials(secret.arn)
    asked()
    assert at_once(credentials.current) == [OLD] * 8
    assert asked() == 1


def test_refused_credentials_are_read_again(secret: Secret) -> None:
    clock = Clock()
    credentials = SecretCredentials(secret.arn, clock)
    credentials.current()
    secret.put_login(NEW)
    clock.now += 1
    assert credentials.current() == OLD
    assert credentials.refresh(OLD) == NEW
    assert credentials.current() == NEW


def test_many_threads_that_were_refused_read_the_secret_again_once(secret: Secret, asked: Callable[[], int]) -> None:
    clock = Clock()
    credentials = SecretCredentials(secret.arn, clock)
    credentials.current()
    secret.put_login(NEW)
    clock.now += 1
    asked()
    assert at_once(lambda: credentials.refresh(OLD)) == [NEW] * 8
    assert asked() == 1


def test_a_refused_secret_that_does_not_change_is_read_once_a_second(secret: Secret, asked: Callable[[], int]) -> None:
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
def test_a_malformed_secret_is_an_error_that_does_not_quote_it(
    manager: SecretsManager, secret: Secret, text: str
) -> None:
    if text:
        secret.put(text)
    else:
        secret = Secret(manager)
    with pytest.raises(CredentialsUnavailableError, match=secret.arn) as raised:
        SecretCredentials(secret.arn).current()
    assert isinstance(raised.value, ServiceUnavailableError)
    assert "nonsense" not in str(raised.value)


def test_a_missing_secret_is_an_error(aws: Proxy) -> None:
    with pytest.raises(CredentialsUnavailableError, match=r"shop/none cannot be read: .*ResourceNotFoundException"):
        SecretCredentials("shop/none").current()


def test_after_a_failure_the_secret_is_read_at_most_once_a_second(aws: Proxy, asked: Callable[[], int]) -> None:
    clock = Clock()
    credentials = SecretCredentials("shop/none", clock)
    with pytest.raises(CredentialsUnavailableError, match="cannot be read"):
        credentials.current()
    asked()
    for _ in range(3):
        with pytest.raises(CredentialsUnavailableError, match="cannot be read"):
            credentials.current()
    assert asked() == 0


def test_no_caller_waits_longer_than_it_may_and_one_thread_reads(secret: Secret, aws: Proxy) -> None:
    clock = Clock()
    credentials = SecretCredentials(secret.arn, clock)
    credentials.current()
    secret.put_login(NEW)
    aws.freeze()
    try:
        for _ in range(5):
            clock.now += 1
            assert credentials.refresh(OLD, 0.01) == OLD
            assert [each.name for each in threading.enumerate()].count("read-secret") == 1
    finally:
        aws.thaw()
    assert wait_until(lambda: credentials.refresh(OLD, 0.01) == NEW, 10)


def test_the_first_caller_waits_no_longer_than_it_may(secret: Secret, aws: Proxy) -> None:
    credentials = SecretCredentials(secret.arn)
    aws.freeze()
    try:
        with pytest.raises(CredentialsUnavailableError, match="not read in time"):
            credentials.current(0.01)
    finally:
        aws.thaw()
    assert credentials.current() == OLD


def test_a_secret_that_cannot_be_used_leaves_the_last_credentials(
    secret: Secret, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    credentials = SecretCredentials(secret.arn, clock)
    credentials.current()
    secret.put("nonsense")
    for _ in range(3):
        clock.now += 1
        assert credentials.refresh(OLD) == OLD
    assert [secret.arn in line for line in caplog.messages if "CredentialsUnavailableError" in line] == [True]
    assert credentials.current() == OLD
    secret.put_login(NEW)
    clock.now += 1
    assert credentials.refresh(OLD) == NEW


def test_an_unreadable_secret_makes_the_database_unavailable(database_url: str) -> None:
    patient = Timeouts(secret=30)  # boto3 is imported first
    with (
        closing(store_at(database_url, timeouts=patient, credentials=SecretCredentials("shop/none"))) as store,
        pytest.raises(DatabaseUnavailableError, match="shop/none cannot be read"),
    ):
        store.read(1)


def test_a_secret_that_no_thread_can_read_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(CredentialsUnavailableError, match=r"shop/none cannot be read: .*can't start new thread"):
        SecretCredentials("shop/none").current()


def test_without_a_secret_boto3_is_not_imported() -> None:
    code = (
        "import sys; from chalicelib.stores import credentials; from chalicelib.database import store;"
        " from chalicelib.redis_client import client;"
        " credentials.source(None, None); sys.exit('boto3' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def at_once(action: Callable[[], Credentials]) -> list[Credentials]:
    barrier = threading.Barrier(8)

    def wait_and_act(_: int) -> Credentials:
        barrier.wait()
        return action()

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(wait_and_act, range(8)))
