"""Products' JSON for the tests of the cache, and a database that counts loads."""

from chalicelib.redis_client.client import CacheTimeouts

TTL = 3600
TV = b'{"id":1,"name":"Samsung TV","price":140}'
RADIO = b'{"id":1,"name":"Radio","price":19.99}'
PATIENT = CacheTimeouts(connect=1, answer=1)  # for tests that are not about time


class Database:
    """Loads a product, and counts the loads."""

    def __init__(self, body: bytes | None = TV) -> None:
        self.body = body
        self.loads = 0

    def __call__(self) -> bytes | None:
        self.loads += 1
        return self.body
