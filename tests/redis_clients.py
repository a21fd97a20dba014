"""redis-py's client, by which tests look at a server and change it, with the shop's own client of that server."""

import redis

from chalicelib.credentials import CredentialSource
from chalicelib.redis_client import CacheTimeouts, RedisClient
from chalicelib.redis_client import redis_client as shops_client

PATIENT = CacheTimeouts(connect=5, answer=5)


class Client(redis.Redis):
    """redis-py's; `shop` is the shop's own."""

    shop: RedisClient


def redis_client(url: str, credentials: CredentialSource | None = None, timeouts: CacheTimeouts = PATIENT) -> Client:
    """Return both clients of a server; redis-py's asks nothing of its own accord, so that a test can count."""
    client = Client.from_url(url, protocol=3, driver_info=None)
    client.shop = shops_client(url, credentials, timeouts)
    return client
