"""Everything the shop refuses or cannot do, and which HTTP answer each becomes.

    ShopError
    ├── BadRequestError          400  the request itself is wrong; names every fault
    ├── NotFoundError            404  no such product
    ├── ConflictError            409  another product stands under that id
    ├── PreconditionFailedError  412  If-Match names a version that is not the current one
    └── ServiceUnavailableError  503  a store is away; says when to come back
        ├── DatabaseUnavailableError
        └── CacheUnavailableError

A class's name is the `Code` a client reads, so it is part of the HTTP contract. One place turns these into responses:
`chalicelib.web.responses`.
"""


class ShopError(Exception):
    """The root: whatever the shop answers with other than a product."""

    status = 500

    @property
    def code(self) -> str:
        """The `Code` of the answer's body."""
        return type(self).__name__


class BadRequestError(ShopError):
    """The request is wrong; `faults` lists everything that is wrong with it."""

    status = 400

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class NotFoundError(ShopError):
    """There is no such product."""

    status = 404


class ConflictError(ShopError):
    """Another product is stored under that id."""

    status = 409


class PreconditionFailedError(ShopError):
    """`If-Match` names a version that is not the stored one."""

    status = 412


class ServiceUnavailableError(ShopError):
    """A store is away; the same request is safe to send again after `retry_after` seconds."""

    status = 503
    retry_after = 1

    @property
    def code(self) -> str:
        """One code for every store: which one is away is for the log, not for the client."""
        return "ServiceUnavailableError"


class DatabaseUnavailableError(ServiceUnavailableError):
    """PostgreSQL cannot be reached, is starting up, or has no connection free in time."""


class CacheUnavailableError(ServiceUnavailableError):
    """Redis cannot be reached, so a write cannot make sure that nobody reads the old value."""
