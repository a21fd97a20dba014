"""Ports, stale processes, accounts and settings."""

import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from local.errors import AddressError
from local.ports import LOOPBACK, can_listen, free_port, parse_port, require_free
from local.processes import Account, Child, Program
from local.servers.accounts import Passage, may
from local.servers.stale import end_stale, running_from
from local.settings import read_settings
from local.shop import welcome

STRANGER = Account("stranger", 54321, 54321)


def test_a_free_port_can_be_listened_on_and_is_below_those_of_outgoing_connections() -> None:
    port = free_port()
    assert port < 32768
    assert can_listen(LOOPBACK, port)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems let no server listen beside the holder")
@pytest.mark.parametrize("host", [LOOPBACK, "0.0.0.0"])
def test_a_port_that_was_given_out_is_kept_for_its_server(host: str) -> None:
    port = free_port()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((LOOPBACK, port))
    for _start in range(2):
        with socket.create_server((host, port)), socket.create_connection((LOOPBACK, port)):
            pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, port))


@pytest.mark.parametrize("host", [LOOPBACK, "0.0.0.0"])
def test_a_port_that_is_listened_on_is_not_free(host: str) -> None:
    with socket.create_server((host, 0)) as taken, pytest.raises(AddressError, match="is taken"):
        require_free(LOOPBACK, taken.getsockname()[1])


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "3000.5", "²"])
def test_a_port_is_a_number_from_1_to_65535(port: str) -> None:
    with pytest.raises(AddressError, match="not a number from 1 to 65535"):
        parse_port("PORT", port)


def test_a_host_that_is_not_ours_is_named() -> None:
    with pytest.raises(AddressError, match=r"^Cannot listen on HOST 192\.0\.2\.1: "):
        require_free("192.0.2.1", free_port())


def test_a_stale_process_is_identified_by_its_folder_and_age(tmp_path: Path) -> None:
    pid_file, elsewhere = tmp_path / "pid", tmp_path / "elsewhere"
    elsewhere.mkdir()
    child = Child(Program("sample", ["/bin/sleep", "60"], folder=tmp_path))
    pid_file.write_text(f"{child.pid}\nmore\n")
    assert running_from(pid_file, tmp_path) == child.pid
    assert running_from(pid_file, elsewhere) is None
    long_ago = pid_file.stat().st_mtime - 3600
    os.utime(pid_file, (long_ago, long_ago))
    assert running_from(pid_file, tmp_path) is None, "it is younger than the file: another process"
    child.end()


@pytest.mark.parametrize("text", ["", "\n", "none", "-5", "99999999999999999999"])
def test_a_file_without_a_process_id_names_no_stale_process(tmp_path: Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)
    assert end_stale(tmp_path / "pid", tmp_path, signal.SIGTERM, 1) is None
    assert end_stale(tmp_path / "missing", tmp_path, signal.SIGTERM, 1) is None


def test_a_stale_process_is_ended(tmp_path: Path) -> None:
    child = Child(Program("sample", ["/bin/sleep", "60"], folder=tmp_path))
    (tmp_path / "pid").write_text(str(child.pid))
    assert end_stale(tmp_path / "pid", tmp_path, signal.SIGTERM, 10) == child.pid
    assert child.wait(10)
    assert child.status == -signal.SIGTERM
    assert not psutil.pid_exists(child.pid)


@pytest.mark.parametrize(
    ("mode", "opened_to"),
    [(0o700, 0o710), (0o750, 0o750), (0o755, 0o755), (0o701, 0o701), (0o600, 0o600)],
)
def test_a_folder_is_opened_to_its_group_only_and_only_to_pass(tmp_path: Path, mode: int, opened_to: int) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    folder.chmod(mode)
    passage = Passage(STRANGER)
    passage.grant(0o1, folder)
    assert folder.stat().st_mode & 0o777 == opened_to
    assert passage.opened == ([folder] if mode != opened_to else [])
    assert may(passage.member, 0o1, folder) or mode == 0o600, "the group gets no right that the owner lacks"


def test_an_account_has_the_rights_of_owner_group_or_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o754)
    owner = tmp_path.stat()
    assert may(replace(STRANGER, uid=owner.st_uid), 0o5, tmp_path)
    assert may(replace(STRANGER, groups=(owner.st_gid,)), 0o5, tmp_path)
    assert not may(STRANGER, 0o1, tmp_path)
    assert may(STRANGER, 0o4, tmp_path)


def test_writes_are_open_unless_the_environment_names_keys(tmp_path: Path) -> None:
    for environ, keys in (
        ({}, "none"),
        ({"API_KEYS": ""}, "none"),
        ({"API_KEYS": "one,two"}, "one,two"),
        ({"API_KEYS_SECRET_ARN": "arn"}, None),
    ):
        settings = read_settings(environ, tmp_path)
        assert settings.environ_of_app("postgresql:", "redis:").get("API_KEYS") == keys
        assert ("x-api-key" in welcome(settings)) == (keys != "none")


def test_secrets_of_other_stores_do_not_reach_embedded_ones(tmp_path: Path) -> None:
    secrets = {"DATABASE_SECRET_ARN": "arn:a", "DATABASE_IAM_AUTH": "true", "REDIS_SECRET_ARN": "arn:b"}
    embedded = read_settings(secrets, tmp_path).environ_of_app("postgresql:", "redis:")
    assert embedded.keys().isdisjoint(secrets)
    named = read_settings({**secrets, "DATABASE_URL": "postgresql:", "REDIS_URL": "redis:"}, tmp_path)
    assert named.environ_of_app("postgresql:", "redis:").items() >= secrets.items()


def test_the_owners_login_is_the_migrations_alone(tmp_path: Path) -> None:
    owner = {"DATABASE_OWNER_URL": "postgresql:a", "DATABASE_OWNER_SECRET_ARN": "arn:a"}
    named = read_settings({**owner, "DATABASE_URL": "postgresql:", "REDIS_URL": "redis:"}, tmp_path)
    assert named.environ_of_app("postgresql:", "redis:").keys().isdisjoint(owner)
    assert named.environ_of_owner(None) == owner
    embedded = read_settings(owner, tmp_path)
    assert embedded.environ_of_owner("postgresql:b") == {"DATABASE_OWNER_URL": "postgresql:b"}


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://localhost:3000"),
        ("127.0.0.1", "http://localhost:3000"),
        ("0.0.0.0", "http://localhost:3000"),
        ("::", "http://[::1]:3000"),
        ("shop.test", "http://shop.test:3000"),
    ],
)
def test_the_welcome_names_an_address_that_a_client_can_use(tmp_path: Path, host: str, url: str) -> None:
    settings = read_settings({"HOST": host}, tmp_path)
    assert settings.url == url
    assert welcome(settings).count("\n  curl ") == 3
