"""Errors of Redis and of the connection to it.

RedisError
├── RedisConnectionError     there is no connection, the server closed it, or the server is loading its data
│   └── RedisLoginError      the server refuses the credentials
├── RedisTimeoutError        the server took too long
└── RedisResponseError       the server refuses a command; the connection stays usable
"""

_LOGIN_CODES = ("NOAUTH", "WRONGPASS")
_WRONG_SERVER_CODES = ("READONLY", "LOADING", "MASTERDOWN")


class RedisError(Exception):
    """Redis is unavailable, too slow, or refuses a command."""


class RedisConnectionError(RedisError):
    """There is no connection to Redis, Redis closed it, or Redis is loading its data."""


class RedisLoginError(RedisConnectionError):
    """Redis refuses the credentials."""


class RedisTimeoutError(RedisError):
    """Redis took too long."""


class RedisResponseError(RedisError):
    """Redis refuses a command."""


def refusal(text: str) -> RedisError:
    """Return the error for an error reply, by the code in capitals that the reply begins with."""
    code = code_of(text)
    if code in _LOGIN_CODES:
        return RedisLoginError(text)
    return RedisConnectionError(text) if code == "LOADING" else RedisResponseError(text)


def code_of(error: object) -> str:
    """Return the code of an error reply, such as `NOSCRIPT`."""
    return str(error).partition(" ")[0]


def is_wrong_server(error: RedisError) -> bool:
    """Return whether the server is a replica, or not ready. Redis 6 puts a script's READONLY inside the text."""
    return code_of(error) in _WRONG_SERVER_CODES or "-READONLY" in str(error)


def is_out_of_memory(error: RedisError) -> bool:
    """Return whether Redis is full and stores nothing more; it still reads. Redis 6 puts a script's OOM in the text."""
    return code_of(error) == "OOM" or "-OOM " in str(error)
