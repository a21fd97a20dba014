"""IAM database authentication: each login sends a new token that RDS accepts."""

import datetime
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import botocore.auth
import botocore.session
import pytest
from botocore.credentials import ReadOnlyCredentials, RefreshableCredentials
from botocore.exceptions import MetadataRetrievalError

from chalicelib.database import iam_tokens
from chalicelib.database.iam_tokens import IamCredentials
from chalicelib.database.login import database_source
from chalicelib.database.pool import Timeouts
from chalicelib.database.store import PostgresStore
from chalicelib.database_url import DatabaseAddress
from chalicelib.errors import DatabaseUnavailableError
from chalicelib.settings import Settings, SettingsError, read_settings
from chalicelib.stores.credentials import Credentials, CredentialsUnavailableError
from tests.chalicelib.database.products import TV, database_at, store_at
from tests.chalicelib.database.rds import KEY, KEY_ID, Rds, rds_before
from tests.fixtures.certificates import Authority
from tests.fixtures.clock import Clock
from tests.fixtures.servers import ROOT, passed_on

REGION = "eu-west-3"
HOST = f"shop.abc123.{REGION}.rds.amazonaws.com"
PATIENT = Timeouts(pool=10, connect=10, answer=10)  # these tests are not about timeouts
QUARTER = datetime.timedelta(minutes=15)


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment with one AWS key and nothing else of AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def rds(products_url: str, authority: Authority) -> Iterator[Rds]:
    with rds_before(*database_at(products_url), REGION, authority.server("localhost")) as rds:
        yield rds


def settings_for(rds: Rds, authority: Authority) -> Settings:
    url = f"postgresql://shop_service@localhost:{rds.port}/shop?sslmode=verify-full&sslrootcert={authority.file}"
    return read_settings({**os.environ, "DATABASE_URL": url, "DATABASE_IAM_AUTH": "true", "REDIS_URL": "redis://x"})


@pytest.fixture
def iam_store(rds: Rds, authority: Authority) -> Iterator[PostgresStore]:
    settings = settings_for(rds, authority)
    with closing(PostgresStore(settings.database, database_source(settings), 2, PATIENT)) as store:
        yield store


class TestAtTheWire:
    """What RDS receives."""

    def test_the_token_names_host_user_and_expiry(self, iam_store: PostgresStore, rds: Rds) -> None:
        iam_store.create(TV)
        assert iam_store.read(1) == TV
        (login,) = rds.logins
        parts = urlsplit(f"//{login.token}")
        said = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert (parts.hostname, parts.port, parts.path) == ("localhost", rds.port, "/")
        assert (said["Action"], said["DBUser"], login.user) == ("connect", "shop_service", "shop_service")
        assert said["X-Amz-Expires"] == "900"
        key_id, _, region, service, _ = said["X-Amz-Credential"].split("/")
        assert (key_id, region, service) == (KEY_ID, REGION, "rds-db")
        assert "X-Amz-Security-Token" not in said

    def test_the_token_is_the_one_that_botocore_makes(
        self, iam_store: PostgresStore, rds: Rds, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        iam_store.read(1)
        (login,) = rds.logins
        signed = parse_qs(login.token)["X-Amz-Date"][0]
        at_that_time = datetime.datetime.strptime(signed, "%Y%m%dT%H%M%SZ")
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: at_that_time)
        client = botocore.session.get_session().create_client("rds", region_name=REGION)
        assert login.token == client.generate_db_auth_token("localhost", rds.port, "shop_service")

    def test_each_login_has_a_new_token_so_none_is_too_old(self, iam_store: PostgresStore, rds: Rds) -> None:
        iam_store.read(1)
        first = rds.logins[0].token
        with closing(botocore_clock(ahead=2 * QUARTER)):
            rds.late = 2 * QUARTER
            iam_store.read(1)
            assert len(rds.logins) == 1, "an open connection stays open when its token has expired"
            rds.cut()
            assert iam_store.read(1) is None
        assert len(rds.logins) == 2
        assert rds.logins[1].token != first
        assert rds.refusals == []

    def test_an_old_token_would_have_been_refused(self, iam_store: PostgresStore, rds: Rds) -> None:
        rds.late = QUARTER + datetime.timedelta(seconds=5)
        with pytest.raises(DatabaseUnavailableError, match="PAM authentication failed"):
            iam_store.read(1)
        assert rds.refusals == ["expired"], "a second token, as new as the first, is not sent"

    def test_a_token_for_another_region_would_have_been_refused(self, rds: Rds, authority: Authority) -> None:
        address = settings_for(rds, authority).database
        with (
            closing(PostgresStore(address, IamCredentials("shop_service", address, "us-east-1"), 1, PATIENT)) as store,
            pytest.raises(DatabaseUnavailableError, match="PAM"),
        ):
            store.read(1)
        assert rds.refusals == ["signature"]

    def test_a_token_is_sent_to_the_database_only(
        self, products_url: str, authority: Authority, tmp_path: Path
    ) -> None:
        other = Authority(tmp_path)
        with rds_before(*database_at(products_url), REGION, other.server("localhost")) as impostor:
            settings = settings_for(impostor, authority)
            with (
                closing(PostgresStore(settings.database, database_source(settings), 1, PATIENT)) as store,
                pytest.raises(DatabaseUnavailableError, match="certificate"),
            ):
                store.read(1)
            assert impostor.logins == []


class botocore_clock:  # noqa: N801 - used like a function
    """Sets the clock of signatures forward until it is closed."""

    def __init__(self, ahead: datetime.timedelta) -> None:
        self._original = botocore.auth.get_current_datetime
        botocore.auth.get_current_datetime = lambda: self._original() + ahead

    def close(self) -> None:
        botocore.auth.get_current_datetime = self._original


ADDRESS = DatabaseAddress(HOST, 5432, "shop", "verify-full", None)


class TestTheTasksCredentials:
    """botocore renews the task's AWS credentials; a token is signed with the current ones."""

    def test_the_token_names_a_roles_session(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_SESSION_TOKEN", "session/+=")
        assert "X-Amz-Security-Token=session%2F%2B%3D" in str(IamCredentials("u", ADDRESS, REGION).current().password)

    def test_expiring_credentials_are_renewed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = datetime.datetime.now(datetime.UTC)
        renewed: list[int] = []

        def renew() -> dict[str, str]:
            renewed.append(1)
            ends = (now + datetime.timedelta(hours=len(renewed))).isoformat()
            return {"access_key": f"KEY{len(renewed)}", "secret_key": "s", "token": "t", "expiry_time": ends}

        provider = RefreshableCredentials.create_from_metadata(renew(), renew, "test", 0, 0)
        monkeypatch.setattr(botocore.session.Session, "get_credentials", lambda self: provider)
        credentials = IamCredentials("u", ADDRESS, REGION)
        assert "X-Amz-Credential=KEY1%2F" in str(credentials.current().password)
        provider._time_fetcher = lambda: now + datetime.timedelta(minutes=61)
        assert "X-Amz-Credential=KEY2%2F" in str(credentials.current().password)

    def test_without_credentials_the_database_is_unavailable_and_the_error_says_why(
        self, rds: Rds, authority: Authority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        settings = settings_for(rds, authority)
        with (
            closing(PostgresStore(settings.database, database_source(settings), 1, PATIENT)) as store,
            pytest.raises(DatabaseUnavailableError, match="there are no AWS credentials"),
        ):
            store.read(1)

    def test_after_a_failure_credentials_are_read_at_most_once_a_second(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[int] = []

        class Away:
            def get_frozen_credentials(self) -> None:
                asked.append(1)
                raise MetadataRetrievalError(error_msg="no answer")

        monkeypatch.setattr(botocore.session.Session, "get_credentials", lambda self: Away())
        clock = Clock()
        credentials = IamCredentials("u", ADDRESS, REGION, clock)
        with pytest.raises(CredentialsUnavailableError, match="no answer"):
            credentials.current()
        with pytest.raises(CredentialsUnavailableError, match="a moment ago"):
            credentials.current()
        assert len(asked) == 1
        clock.now += iam_tokens.RETRY_SECONDS
        with pytest.raises(CredentialsUnavailableError, match="no answer"):
            credentials.current()

    def test_a_login_waits_a_bounded_time_for_aws_and_one_thread_asks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked, may_answer = [], threading.Event()

        class Hanging:
            def get_frozen_credentials(self) -> ReadOnlyCredentials:
                asked.append(1)
                may_answer.wait(30)
                return ReadOnlyCredentials("KEY2", "s", "t")

        monkeypatch.setattr(botocore.session.Session, "get_credentials", lambda self: Hanging())
        monkeypatch.setattr(iam_tokens, "ANSWER_SECONDS", 0.05)
        clock = Clock()
        credentials = IamCredentials("u", ADDRESS, REGION, clock)
        for _ in range(3):
            with pytest.raises(CredentialsUnavailableError, match="AWS gave no credentials within"):
                credentials.current()
            clock.now += iam_tokens.RETRY_SECONDS
        assert len(asked) == 1
        may_answer.set()
        monkeypatch.setattr(iam_tokens, "ANSWER_SECONDS", 10)
        assert "X-Amz-Credential=KEY2%2F" in str(credentials.current().password)

    def test_a_refused_token_is_not_replaced(self) -> None:
        refused = Credentials("u", "a token that was refused")
        assert IamCredentials("u", ADDRESS, REGION).refresh(refused) == refused

    def test_no_repr_contains_a_token(self) -> None:
        assert KEY_ID not in repr(IamCredentials("u", ADDRESS, REGION).current())


def read(**settings: str) -> Settings:
    return read_settings({"DATABASE_IAM_AUTH": "true", "REDIS_URL": "redis://x", **settings})


URL = f"postgresql://shop_service@{HOST}/shop"


class TestSettings:
    """Settings with which a token could not work, or could reach another server, stop the start."""

    def test_the_region_is_the_one_in_the_host_name(self) -> None:
        assert read(DATABASE_URL=URL, AWS_REGION="us-east-1").database_iam_region == REGION
        proxy = URL.replace("shop.abc123", "shop.proxy-abc123")
        assert read(DATABASE_URL=proxy).database_iam_region == REGION

    @pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
    def test_without_one_in_the_host_name_the_region_is_the_tasks(self, name: str) -> None:
        assert read(DATABASE_URL="postgresql://u@db.example/shop", **{name: "eu-north-1"}).database_iam_region == (
            "eu-north-1"
        )

    def test_it_is_off_by_default(self) -> None:
        for settings in ({}, {"DATABASE_IAM_AUTH": ""}, {"DATABASE_IAM_AUTH": "False"}):
            found = read_settings({"DATABASE_URL": "postgresql://u@h/d", "REDIS_URL": "redis://x", **settings})
            assert found.database_iam_region is None

    @pytest.mark.parametrize(
        ("settings", "fault"),
        [
            ({"DATABASE_URL": f"{URL}?sslmode=require"}, "DATABASE_IAM_AUTH needs sslmode=verify-full"),
            ({"DATABASE_URL": "postgresql://u@localhost/shop", "AWS_REGION": "r"}, "needs sslmode=verify-full"),
            ({"DATABASE_URL": URL, "DATABASE_SECRET_ARN": "arn"}, "DATABASE_SECRET_ARN is set: choose one"),
            ({"DATABASE_URL": URL.replace("@", ":secret@")}, "DATABASE_URL has a password: choose one"),
            ({"DATABASE_URL": "postgresql://u@db.example/shop"}, "DATABASE_IAM_AUTH needs AWS_REGION"),
            ({"DATABASE_URL": URL.replace("shop_service@", "")}, "DATABASE_URL has no user"),
            ({"DATABASE_URL": URL, "DATABASE_IAM_AUTH": "yes"}, "DATABASE_IAM_AUTH is 'yes', not true or false"),
        ],
    )
    def test_wrong_settings_stop_the_start(self, settings: dict[str, str], fault: str) -> None:
        with pytest.raises(SettingsError, match=fault) as raised:
            read(**settings)
        assert "secret@" not in str(raised.value)

    def test_all_errors_are_reported_together(self) -> None:
        with pytest.raises(SettingsError) as raised:
            read(DATABASE_URL="postgresql://u:p@db.example/shop?sslmode=require", DATABASE_POOL_SIZE="none")
        assert len(str(raised.value).splitlines()) == 4


def test_without_it_botocore_is_not_imported_and_with_it_not_before_a_login() -> None:
    code = (
        "import os, sys; from chalicelib import settings; from chalicelib.database import login, store;"
        " login.database_source(settings.read_settings(os.environ)); sys.exit('botocore' in sys.modules)"
    )
    for settings in ({"DATABASE_URL": "postgresql://u@h/d"}, {"DATABASE_URL": URL, "DATABASE_IAM_AUTH": "true"}):
        environ = {**passed_on(), "REDIS_URL": "redis://x", **settings}
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, check=False, capture_output=True)
        assert done.returncode == 0, done.stderr


def test_a_password_still_works(products_url: str) -> None:
    with closing(store_at(products_url)) as store:
        assert store.read(1) is None
