"""DATABASE_URL is read as libpq reads it; what cannot be honoured stops the start, named, without the password."""

import pytest

from chalicelib.database_url import DatabaseAddress, parse_database_url
from chalicelib.settings import SettingsError, read_settings

FULL = "verify-full"


def read(url: str) -> tuple[DatabaseAddress, str, str | None]:
    address, login = parse_database_url(url)
    return address, login.username, login.password


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql://u@db/shop", DatabaseAddress("db", 5432, "shop", FULL)),
        ("postgres://u@DB:6543/shop%20x", DatabaseAddress("db", 6543, "shop x", FULL)),
        ("postgresql://u@[2001:db8::1]:6543/shop", DatabaseAddress("2001:db8::1", 6543, "shop", FULL)),
        ("postgresql://u@[::1]/shop", DatabaseAddress("::1", 5432, "shop", "disable")),
        ("postgresql://u@localhost/shop?sslmode=require", DatabaseAddress("localhost", 5432, "shop", "require")),
        ("postgresql://u@db/shop?sslmode=verify-ca", DatabaseAddress("db", 5432, "shop", "verify-ca")),
        ("postgresql://u@db/shop?sslrootcert=/ca.pem", DatabaseAddress("db", 5432, "shop", FULL, "/ca.pem")),
        ("postgresql://u@db/shop?sslrootcert=system", DatabaseAddress("db", 5432, "shop", FULL)),
        (
            "postgresql://u@db/shop?sslcert=/c.pem&sslkey=/k.pem",
            DatabaseAddress("db", 5432, "shop", FULL, None, "/c.pem", "/k.pem"),
        ),
        ("postgresql://u@%2Frun%2FPostgreSQL:6543/shop", DatabaseAddress("/run/PostgreSQL", 6543, "shop", "disable")),
        ("postgresql:///shop?host=/run/pg&user=u", DatabaseAddress("/run/pg", 5432, "shop", "disable")),
        ("postgresql://u@/shop?host=/run/pg&sslmode=require", DatabaseAddress("/run/pg", 5432, "shop", "disable")),
        ("postgresql://u@db:1/a?host=other&port=2&dbname=b", DatabaseAddress("other", 2, "b", FULL)),
        ("postgresql://u@db/s?application_name=a%20b", DatabaseAddress("db", 5432, "s", FULL, application_name="a b")),
        ("postgresql://u@db/shop?options=-c%20a%3D1+2", DatabaseAddress("db", 5432, "shop", FULL, options="-c a=1+2")),
        ("postgresql://u@db/shop?channel_binding=require", DatabaseAddress("db", 5432, "shop", FULL, is_bound=True)),
        ("postgresql://u@db/shop?prepared_statements=off", DatabaseAddress("db", 5432, "shop", FULL, prepares=False)),
        (
            "postgresql://u@db/shop?connect_timeout=10&target_session_attrs=read-write&client_encoding=UTF8"
            "&gssencmode=prefer&keepalives=1&channel_binding=prefer&prepared_statements=auto",
            DatabaseAddress("db", 5432, "shop", FULL),
        ),
    ],
)  # fmt: skip
def test_a_url_is_parsed(url: str, address: DatabaseAddress) -> None:
    assert read(url) == (address, "u", None)
    assert read(f" {url}\r\n") == (address, "u", None), "blanks around it do not count"


@pytest.mark.parametrize(
    ("url", "user", "password"),
    [
        ("postgresql://a%40b:p%2F%25%20%C3%A9@db/shop", "a@b", "p/% é"),
        ("postgresql://u:@db/shop", "u", ""),
        ("postgresql://u:p+q@db/shop", "u", "p+q"),
        ("postgresql://db/shop?user=u&password=p%26q", "u", "p&q"),
        ("postgresql://u:p@q@db/shop", "u", "p@q"),
    ],
)
def test_a_login_is_parsed(url: str, user: str, password: str) -> None:
    assert read(url)[1:] == (user, password)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("mysql://u:hunter2@db/shop", "must look like"),
        ("postgresql://u:hunter2@[::1/shop", "must look like"),
        ("postgresql://u:hunter2@/shop", "names no host"),
        ("postgresql://u:hunter2@db", "names no database"),
        ("postgresql://db/shop?password=hunter2", "has no user"),
        ("postgresql://u:hunter2@a,b/shop", "names several hosts"),
        ("postgresql://u:hunter2@/shop?host=a,b", "names several hosts"),
        ("postgresql://u:hunter2@db:0/shop", "has a port"),
        ("postgresql://u:hunter2@db:65536/shop", "has a port"),
        ("postgresql://u:hunter2@fe80::1/shop", "has a port"),
        ("postgresql://u:hunter2@db/sh op", "has a blank in it"),
        ("postgresql://u:hunter2#@db/shop", "has a # in it"),
        ("postgresql://u:hunter2%@db/shop", "has a % that"),
        ("postgresql://u:hunter2%ff@db/shop", "has a % that"),
        ("postgresql://u:hunter2@db/shop%00", "has a % that"),
        ("postgresql://u:hunter2@db/shop?sslmode=prefer", "has sslmode=prefer, not one of disable"),
        ("postgresql://u:hunter2@db/shop?target_session_attrs=standby", "has target_session_attrs=standby, not one of"),
        ("postgresql://u:hunter2@db/shop?gssencmode=require", "has gssencmode=require, not one of"),
        ("postgresql://u:hunter2@db/shop?connect_timeout=soon", "has connect_timeout=soon, not a whole"),
        (
            "postgresql://u:hunter2@localhost/shop?channel_binding=require",
            "has channel_binding=require, which needs TLS",
        ),
        ("postgresql://u:hunter2@db/shop?sslpassword=hunter2&pool=3", "has unknown options: pool, sslpassword"),
    ],
)
def test_a_wrong_url_stops_the_start_and_the_message_does_not_contain_the_password(url: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=f"DATABASE_URL {fault}") as raised:
        read_settings({"DATABASE_URL": url, "REDIS_URL": "redis://cache"})
    assert "hunter2" not in str(raised.value)


def test_an_address_is_written_as_people_write_it() -> None:
    for url, text in (("[::1]:1", "[::1]:1"), ("db:1", "db:1"), ("%2Frun:1", "/run/.s.PGSQL.1")):
        assert str(read(f"postgresql://u@{url}/shop")[0]) == text
