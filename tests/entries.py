"""Entries as the cache stores them: behind the generation of the server that they were stored on."""

import redis

from chalicelib import generations


def generation_of(client: redis.Redis) -> bytes:
    """Return the server's generation."""
    return generations.told_by(client.execute_command(*generations.QUESTION))  # type: ignore[no-untyped-call]


def put(client: redis.Redis, key: str, entry: bytes) -> None:
    """Store an entry."""
    client.set(key, generation_of(client) + entry)


def held(client: redis.Redis, key: str) -> bytes | None:
    """Return the entry that is there; None where there is none, or one of another generation."""
    stored = client.get(key)
    assert stored is None or isinstance(stored, bytes)
    return generations.entry_in(stored, generation_of(client))


def since_member(client: redis.Redis) -> str:
    """Return the member of the hot set that says since when it has been there."""
    return f"since {generation_of(client).decode()}"
