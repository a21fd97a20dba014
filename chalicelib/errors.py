"""The shop's errors, and the HTTP status of each.

    ShopError
    ├── BadRequestError          400  the request is wrong; the message names every error
    ├── NotFoundError            404  no such product
    ├── ConflictError            409  another product has that id
    ├── ContentEncodingError     415  the body is compressed; `Accept-Encoding` says what is taken
    ├── PreconditionFailedError  412  a condition of the request does not hold: If-Match, If-None-Match
    └── ServiceUnavailableError  503  a store is unavailable; `Retry-After` says when to retry
        ├── DatabaseUnavailableError
        └── CacheUnavailableError

A class's name is the `Code` that clients receive, so it is part of the HTTP contract. `chalicelib.web.responses` turns
these into responses.
"""


class ShopError(Exception):
    """The base class of the shop's errors."""

    status = 500

    @property
    def code(self) -> str:
        """The `Code` in the response's body."""
        return type(self).__name__


class BadRequestError(ShopError):
    """The request is wrong; the message names every error in it."""

    status = 400

    def __init__(self, *errors: str) -> None:
        super().__init__("; ".join(errors))


class NotFoundError(ShopError):
    """There is no such product."""

    status = 404


class ConflictError(ShopError):
    """Another product has that id."""

    status = 409


class ContentEncodingError(ShopError):
    """The body has a content coding, such as gzip (RFC 9110, section 15.5.16)."""

    status = 415

    @property
    def code(self) -> str:
        """The code that Chalice gives for a media type which it does not take."""
        return "UnsupportedMediaType"


class PreconditionFailedError(ShopError):
    """A condition of the request, `If-Match` or `If-None-Match`, does not hold."""

    status = 412


class ServiceUnavailableError(ShopError):
    """A store is unavailable. Retrying after `retry_after` seconds is safe."""

    status = 503
    retry_after = 1
    is_logged = False
    """Whether its cause was logged where it was found, once for many requests."""

    @property
    def code(self) -> str:
        """One code for all stores: the log names the store, the client does not need to know it."""
        return "ServiceUnavailableError"


class DatabaseUnavailableError(ServiceUnavailableError):
    """PostgreSQL cannot be reached, is starting, or no connection was free in time."""


class CacheUnavailableError(ServiceUnavailableError):
    """Redis cannot be reached. A write then fails, because readers could get the old value."""
