"""REDIS_URL is read whole: what redis-py knows of a URL works or does no harm, and anything else stops the start."""

import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from redis.connection import URL_QUERY_ARGUMENT_PARSERS

from chalicelib.redis_client import url_options
from chalicelib.redis_client.address import RedisAddress, TlsOptions, parse_redis_url
from chalicelib.settings import SettingsError, read_settings
from local.ports import LOOPBACK, free_port
from tests.fixtures.certificates import Authority
from tests.fixtures.servers import ROOT, passed_on

DATABASE_URL = "postgresql://user:password@127.0.0.1:1/shop"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://cache", RedisAddress("cache", 6379, 0, "", None)),
        (" redis://cache:7000/2\n", RedisAddress("cache", 7000, 2, "", None)),
        ("REDIS://cache/", RedisAddress("cache", 6379, 0, "", None)),
        ("redis://my_cache.internal.", RedisAddress("my_cache.internal.", 6379, 0, "", None)),
        ("rediss://shop:p%40s%25s@cache:7000/2", RedisAddress("cache", 7000, 2, "shop", "p@s%s", TlsOptions())),
        ("redis://:old@[::1]/?db=3", RedisAddress("::1", 6379, 3, "", "old")),
        ("rediss://shop@[fe80::1%25eth0]:7000", RedisAddress("fe80::1%eth0", 7000, 0, "shop", None, TlsOptions())),
        ("redis://shop:old@a?username=other&password=new", RedisAddress("a", 6379, 0, "shop", "old")),
        ("redis://a?socket_timeout=0.2", RedisAddress("a", 6379, 0, "", None, socket_timeout=0.2)),
        ("redis://a?client_name=shop", RedisAddress("a", 6379, 0, "", None, client_name="shop")),
        ("redis://a?db=&socket_timeout=", RedisAddress("a", 6379, 0, "", None)),
        ("unix:///run/redis.sock", RedisAddress("", 0, 0, "", None, path="/run/redis.sock")),
        ("unix://shop:old@/run/a%20b?db=2", RedisAddress("", 0, 2, "shop", "old", path="/run/a b")),
        ("unix:///run/redis.sock?password=p%2Fs", RedisAddress("", 0, 0, "", "p/s", path="/run/redis.sock")),
    ],
)
def test_a_url_is_parsed(url: str, address: RedisAddress) -> None:
    assert parse_redis_url(url) == address


@pytest.mark.parametrize(
    "option",
    [
        "socket_keepalive=true",
        "health_check_interval=30",
        "max_connections=50",
        "retry_on_timeout=1",
        "protocol=2",
        "decode_responses=True",
        "encoding=utf-8",
        "socket_read_size=65536",
    ],
)
def test_an_option_that_is_without_effect_here_is_accepted(option: str) -> None:
    assert parse_redis_url(f"redis://cache?{option}") == parse_redis_url("redis://cache")


def test_every_option_that_redis_py_parses_is_known_or_has_a_reason() -> None:
    """`timeout` is of a pool that blocks, which there is none of; redis-py takes `retry_on_error` letter by letter."""
    known = set(url_options._PARSERS)
    assert set(URL_QUERY_ARGUMENT_PARSERS) - known == {"timeout", "retry_on_error"}


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://shop:hunter2@cache", "must look like"),
        ("shop:hunter2@cache:6379", "must look like"),
        ("redis://shop:hunter2@", "must look like"),
        ("redis://shop:hunter2@ca che", "must look like"),
        ("redis://shop:hunter2@a,b", "must look like"),
        ("redis://shop:hunter2@a..b", "must look like"),
        ("redis://shop:hunter2@[nine]", "must look like"),
        ("redis://shop:hunter2@cache:port", "has a port"),
        ("redis://shop:hunter2@cache:65536", "has a port"),
        ("redis://shop:hunter2@cache:0", "has a port"),
        ("redis://shop:hunter2@cache/shop", "has a database"),
        ("redis://shop:hunter2@cache/-1", "has a database"),
        ("redis://shop:hunter2@cache/1/2", "has a database"),
        ("redis://shop:hunter2@cache?db=shop", "has a db that is not a whole number"),
        ("redis://shop:hunter2@cache?db=1&db=2", "has more than one db"),
        ("redis://shop:hunter2@cache?socket_timeout=fast", "has a socket_timeout that is not a number of seconds"),
        ("redis://shop:hunter2@cache?socket_timeout=nan", "has a socket_timeout"),
        ("redis://shop:hunter2@cache?socket_connect_timeout=0", "has a socket_connect_timeout"),
        ("redis://shop:hunter2@cache?max_connections=lots", "has a max_connections"),
        ("redis://shop:hunter2@cache?protocol=1", "has a protocol that is none of 2, 3"),
        ("redis://shop:hunter2@cache?client_name=the%20shop", "has a client_name"),
        ("redis://shop:hunter2@cache?timeout=5", r"has unknown options: timeout \(say socket_timeout"),
        ("redis://shop:hunter2@cache?tls=true", r"has unknown options: tls \(for TLS, say rediss://"),
        ("redis://shop:hunter2@cache?poolSize=5&max=1", "has unknown options: max, poolSize"),
        ("redis://shop:hunter2@cache?ssl_cert_reqs=none", "has ssl_cert_reqs, but TLS only with rediss://"),
        ("rediss://shop:hunter2@cache?ssl_cert_reqs=perhaps", "has a ssl_cert_reqs that is none of"),
        ("rediss://shop:hunter2@cache?ssl_min_version=12", "has a ssl_min_version"),
        ("rediss://shop:hunter2@cache?ssl_exclude_verify_flags=ALL", "has a ssl_exclude_verify_flags"),
        ("rediss://shop:hunter2@cache?ssl_ca_certs=/none.pem", "has ssl_ca_certs that cannot be used: .*No such file"),
        ("rediss://shop:hunter2@cache?ssl_ca_path=/none", "has a ssl_ca_path that is not a folder"),
        ("rediss://shop:hunter2@cache?ssl_ca_data=hunter2", "has ssl_ca_data that cannot be used"),
        ("rediss://shop:hunter2@cache?ssl_ca_data=%C3%A9", "has ssl_ca_data that cannot be used"),
        ("rediss://shop:hunter2@cache?ssl_keyfile=/key.pem", "has ssl_keyfile that cannot be used"),
        ("rediss://shop:hunter2@cache?ssl_ciphers=none", "has ssl_ciphers that cannot be used"),
        ("rediss://shop:hunter2@cache?ssl_validate_ocsp=true", "has unknown options: ssl_validate_ocsp"),
        ("redis://shop:hunter2@%2Frun%2Fredis.sock", "say unix:///path"),
        ("unix://shop:hunter2@cache/redis.sock", "must look like unix:///path"),
        ("unix:///?password=hunter2", "must look like unix:///path"),
        ("unix:///run/redis.sock?password=hunter2&ssl_cert_reqs=none", "TLS only with rediss://"),
        (f"unix:///{'a' * 107}?password=hunter2", "more than 107 bytes"),
        ("redis://shop:1/hunter2@cache", "must look like"),
        ("redis://shop:1?hunter2@cache", "must look like"),
        ("redis://shop:1?hunter2=1@cache", "must look like"),
        ("redis://shop:1#hunter2@cache", "must look like"),
        ("redis://shop:1?hunter2", "has an option without a name or a value"),
        ("redis://shop:[hunter2@cache", "must look like"),
    ],
)
def test_a_wrong_url_stops_the_start_and_the_message_does_not_contain_the_password(url: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=f"REDIS_URL .*{fault}") as raised:
        read_settings({"DATABASE_URL": DATABASE_URL, "REDIS_URL": url})
    assert "hunter2" not in str(raised.value)


def test_the_start_ends_with_status_2_and_one_line() -> None:
    url = "redis://shop:hunter2@cache?tls=true"
    environ = passed_on() | {"DATABASE_URL": DATABASE_URL, "REDIS_URL": url, "PORT": str(free_port())}
    command = [sys.executable, "-m", "fargate", "--host", LOOPBACK]
    ended = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert ended.stderr == "Cannot start:\nREDIS_URL has unknown options: tls (for TLS, say rediss://)\n"


def test_tls_options_reach_the_context() -> None:
    flags = "ssl_exclude_verify_flags=[VERIFY_X509_STRICT]&ssl_include_verify_flags=VERIFY_CRL_CHECK_LEAF"
    options = f"ssl_min_version=772&ssl_check_hostname=false&{flags}"
    context = parse_redis_url(f"rediss://cache?{options}").tls_context()
    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert not context.check_hostname
    assert context.verify_flags & ssl.VERIFY_CRL_CHECK_LEAF
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT


@pytest.fixture
def locked_key(tmp_path: Path) -> Path:
    """A certificate and its key, which has the password `hunter2`."""
    file = tmp_path / "client.pem"
    file.write_bytes(Authority(tmp_path).client("shop", b"hunter2"))
    return file


def test_a_key_that_has_a_password_is_opened_with_it(locked_key: Path) -> None:
    assert parse_redis_url(f"rediss://cache?ssl_certfile={locked_key}&ssl_password=hunter2").tls_context() is not None


def test_a_key_whose_password_is_missing_stops_the_start_and_no_terminal_is_asked(locked_key: Path) -> None:
    with pytest.raises(ValueError, match="has ssl_certfile that cannot be used"):
        parse_redis_url(f"rediss://cache?ssl_certfile={locked_key}")
