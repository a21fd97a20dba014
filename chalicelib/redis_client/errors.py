"""What comes from Redis, or from the way to it, in the place of an answer.

RedisError
├── RedisConnectionError     there is no connection, or no longer, or the server is loading
│   └── RedisLoginError      the server refuses the credentials
├── RedisTimeoutError        the server took too long
└── RedisResponseError       the server refuses a command; the connection is as good as before
"""

_LOGIN_CODES = ("NOAUTH", "WRONGPASS")
_WRONG_SERVER_CODES = ("READONLY", "LOADING", "MASTERDOWN")


class RedisError(Exception):
    """Redis is away, too slow, or refuses."""


class RedisConnectionError(RedisError):
    """There is no connection to Redis, or no longer; or Redis is still loading its data."""


class RedisLoginError(RedisConnectionError):
    """Redis refuses the credentials."""


class RedisTimeoutError(RedisError):
    """Redis took too long."""


class RedisResponseError(RedisError):
    """Redis refuses a command."""


def refusal(text: str) -> RedisError:
    """Return the error that an error reply stands for; it begins with a code in capitals."""
    code = code_of(text)
    if code in _LOGIN_CODES:
        return RedisLoginError(text)
    return RedisConnectionError(text) if code == "LOADING" else RedisResponseError(text)


def code_of(error: object) -> str:
    """Return the code of an error reply, as `NOSCRIPT`."""
    return str(error).partition(" ")[0]


def is_wrong_server(error: RedisError) -> bool:
    """Tell whether a server refused since it is a replica or not ready; Redis 6 says so of a script inside the text."""
    return code_of(error) in _WRONG_SERVER_CODES or "-READONLY" in str(error)
