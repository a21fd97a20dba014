"""REDIS_URL is parsed strictly."""

import pytest

from chalicelib.redis_client.address import RedisAddress, parse_redis_url
from chalicelib.settings import SettingsError, read_settings

DATABASE_URL = "postgresql://user:password@127.0.0.1:1/shop"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://cache", RedisAddress("cache", 6379, 0, False, "", None)),
        ("rediss://shop:p%40ss@cache:7000/2", RedisAddress("cache", 7000, 2, True, "shop", "p@ss")),
        ("redis://:old@[::1]/?db=3", RedisAddress("::1", 6379, 3, False, "", "old")),
        ("redis://a?socket_timeout=0.2", RedisAddress("a", 6379, 0, False, "", None, socket_timeout=0.2)),
        ("rediss://a?ssl_ca_certs=/ca.pem", RedisAddress("a", 6379, 0, True, "", None, ssl_ca_certs="/ca.pem")),
    ],
)
def test_a_url_is_parsed(url: str, address: RedisAddress) -> None:
    assert parse_redis_url(url) == address


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://shop:hunter2@cache", "must look like"),
        ("redis://shop:hunter2@", "must look like"),
        ("redis://shop:hunter2@cache:port", "must look like"),
        ("redis://shop:hunter2@cache/shop", "must look like"),
        ("redis://shop:hunter2@cache?db=shop", "must look like"),
        ("redis://shop:hunter2@cache?socket_timeout=soon", "must look like"),
        ("rediss://shop:hunter2@cache?ssl_cert_reqs=perhaps", "neither required nor none"),
        ("redis://shop:hunter2@cache?retry=9&max=1", "has unknown options: max, retry"),
    ],
)
def test_a_wrong_url_stops_the_start_and_the_message_does_not_contain_the_password(url: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=f"REDIS_URL .*{fault}") as raised:
        read_settings({"DATABASE_URL": DATABASE_URL, "REDIS_URL": url})
    assert "hunter2" not in str(raised.value)
