"""A client for the Redis of a setting. redis-py is imported when one is made: it is an extra of the package."""

from typing import TYPE_CHECKING, Any, Final

from fargate.errors import ConfigurationError

if TYPE_CHECKING:
    from redis import Redis

CONNECT_SECONDS: Final = 2.0


def client_at(url: str, variable: str, answer_seconds: float, **options: Any) -> "Redis":
    """Return a client that sends each command once; nothing connects yet.

    Args:
        url: of the Redis, as redis-py reads it.
        variable: where it comes from.
        answer_seconds: how long each answer may take; connecting has `CONNECT_SECONDS`.
        options: more of redis-py's.

    Raises:
        ConfigurationError: the URL is malformed, or has an option that redis-py does not know.
    """
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    limits = {"socket_timeout": answer_seconds, "socket_connect_timeout": CONNECT_SECONDS}
    try:
        client = Redis.from_url(url, **limits, **options, retry=Retry(NoBackoff(), 0))
        client.connection_pool.make_connection()  # finds unknown options
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{variable} cannot be used: {error}") from None
    return client
