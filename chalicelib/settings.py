"""The shop's settings, read once from the environment. All errors are reported together."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from chalicelib.database_url import DatabaseAddress, parse_database_url
from chalicelib.redis_client.address import parse_redis_url
from chalicelib.stores.credentials import Credentials

T = TypeVar("T")
MAX_LOCAL_LEASE_MS = 250
"""After the hot set was lost, each write waits this long, so the value must stay small."""

RDS_HOST = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d+)\.rds\.amazonaws\.com$")
"""The host name of an RDS database or proxy; the group is its region."""


class SettingsError(Exception):
    """Settings are missing or wrong; the message has one line for each."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The shop's settings (docs/settings.md lists the environment variables)."""

    database: DatabaseAddress
    database_credentials: Credentials
    database_secret_arn: str | None
    database_iam_region: str | None  # the region that IAM tokens are signed for, or None for a password
    database_pool_size: int
    redis_url: str = field(repr=False)
    redis_secret_arn: str | None
    cache_ttl_seconds: int
    local_lease_ms: int


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the shop's settings.

    Raises:
        SettingsError: a setting is missing or wrong. The message has one line for each.
    """
    errors: list[str] = []
    secret_arn = environ.get("DATABASE_SECRET_ARN") or None

    def value(name: str, parse: Callable[[str], T], default: str | None = None) -> T | None:
        text = environ.get(name) or default
        if text is None:
            errors.append(f"{name} is not set")
            return None
        try:
            return parse(text)
        except ValueError as error:
            errors.append(f"{name} {error}")
            return None

    database = value("DATABASE_URL", lambda text: parse_database_url(text, credentials_needed=secret_arn is None))
    iam_auth = value("DATABASE_IAM_AUTH", _true_or_false, "false")
    pool_size = value("DATABASE_POOL_SIZE", lambda text: _whole(text, 1, 1000), "5")
    redis_url = value("REDIS_URL", _redis_url)
    ttl = value("CACHE_TTL_SECONDS", lambda text: _whole(text, 1, 86_400), "3600")
    lease = value("LOCAL_LEASE_MS", lambda text: _whole(text, 0, MAX_LOCAL_LEASE_MS), "50")
    if iam_auth and database is not None:
        errors += _iam_errors(environ, *database)
    if errors or database is None or pool_size is None or redis_url is None or ttl is None or lease is None:
        raise SettingsError("\n".join(errors))
    address, credentials = database
    return Settings(
        database=address,
        database_credentials=credentials,
        database_secret_arn=secret_arn,
        database_iam_region=_region(environ, address.host) if iam_auth else None,
        database_pool_size=pool_size,
        redis_url=redis_url,
        redis_secret_arn=environ.get("REDIS_SECRET_ARN") or None,
        cache_ttl_seconds=ttl,
        local_lease_ms=lease,
    )


def _whole(text: str, low: int, high: int) -> int:
    try:
        number = int(text)
    except ValueError:
        raise ValueError(f"is {text!r}, not a whole number") from None
    if not low <= number <= high:
        raise ValueError(f"is {number}, not between {low} and {high}")
    return number


def _true_or_false(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"is {text!r}, not true or false")
    return text.lower() == "true"


def _iam_errors(environ: Mapping[str, str], address: DatabaseAddress, credentials: Credentials) -> list[str]:
    """Return the errors of settings that IAM authentication excludes or needs."""
    wrong = {
        "DATABASE_IAM_AUTH is true and DATABASE_SECRET_ARN is set: choose one": bool(
            environ.get("DATABASE_SECRET_ARN")
        ),
        "DATABASE_IAM_AUTH is true and DATABASE_URL has a password: choose one": credentials.password is not None,
        "DATABASE_IAM_AUTH needs sslmode=verify-full in DATABASE_URL, so that a token reaches the database alone": (
            address.sslmode != "verify-full"
        ),
        "DATABASE_IAM_AUTH needs AWS_REGION: the host in DATABASE_URL does not say its region": (
            _region(environ, address.host) is None
        ),
    }
    return [error for error, is_wrong in wrong.items() if is_wrong]


def _region(environ: Mapping[str, str], host: str) -> str | None:
    """Return the region in the database's host name, else the one that this task runs in."""
    named = RDS_HOST.search(host)
    return named[1] if named else environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or None


def _redis_url(text: str) -> str:
    parse_redis_url(text)
    return text
