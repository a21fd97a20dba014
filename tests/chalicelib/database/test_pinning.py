"""No message that the service sends to PostgreSQL pins a connection of RDS Proxy. The whole service is recorded.

AWS' page "Avoiding pinning an RDS Proxy" lists what does (docs/decisions/database-login.md). Start-up parameters are
no part of that list, and of this test.
"""

import contextlib
import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from pg8000 import native

from chalicelib.database.pool import Timeouts, server_limits
from tests.chalicelib.database.products import database_at
from tests.consistency.statements import Statements
from tests.fixtures.servers import serving
from tests.fixtures.stores import OwnPostgres
from tests.fixtures.wire import Network, Proxy

PINNING = re.compile(
    r"""
    \b(?: SET | RESET | PREPARE | EXECUTE | DEALLOCATE | DISCARD | DECLARE | LISTEN | UNLISTEN | LOAD )\b (?! \s+ name )
    | \b TEMP (?:ORARY)? \b
    | \b(?: set_config | nextval | setval | currval | lastval | pg_\w*advisory\w* | setseed )\s*\(
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Statements that leave something behind in the session. (`UPDATE ... SET name` sets a column.)"""

TOO_LONG = 16 * 1024

SPOKEN = {
    b"p": "password",
    b"P": "Parse: a statement by the protocol, which RDS Proxy prepares again if it continues on another connection",
    b"D": "Describe",
    b"B": "Bind",
    b"E": "Execute",
    b"S": "Sync",
    b"H": "Flush",
    b"Q": "a simple query",
    b"X": "Terminate",
}


class Messages(Statements):
    """Records every message, and the text of every statement."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: set[bytes] = set()
        self.simple: set[str] = set()
        self.prepared: set[str] = set()

    def _take(self, connection: int, kind: bytes, content: bytes) -> None:
        first, _, rest = content.partition(b"\0")
        if kind != b"\0":  # the start-up message
            self.kinds.add(kind)
        if kind == b"Q":
            self.simple.add(first.decode())
        if kind == b"P":
            self.prepared.add(rest.partition(b"\0")[0].decode())
        super()._take(connection, kind, content)

    def pinning(self) -> list[str]:
        """Return the statements that pin a connection."""
        return [text for text in self.simple | self.prepared if PINNING.search(text) or len(text) > TOO_LONG]


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Network() as network:
        yield network


@pytest.fixture
def heard(network: Network, postgres: OwnPostgres) -> tuple[Proxy, Messages]:
    """A proxy, and the messages that it forwards."""
    messages, proxy = Messages(), network.proxy(postgres.address.port)
    proxy.taps.append(messages.hear)
    return proxy, messages


def through(proxy: Proxy, url: str, postgres: OwnPostgres) -> str:
    return url.replace(f":{postgres.address.port}/", f":{proxy.port}/")


@pytest.mark.parametrize(
    ("options", "more"),
    [("", set()), ("?prepared_statements=off", {"SELECT pg_is_in_recovery()"})],
    ids=["direct", "as behind a pooler, with the role's limits"],
)
def test_no_statement_of_the_service_pins(
    options: str,
    more: set[str],
    heard: tuple[Proxy, Messages],
    postgres: OwnPostgres,
    database_url: str,
    redis_url: str,
) -> None:
    proxy, messages = heard
    url = through(proxy, database_url, postgres) + options
    environ = {"DATABASE_URL": url, "REDIS_URL": redis_url, "API_KEYS": "none"}
    with serving(environ) as server, httpx.Client(base_url=server.url, timeout=10) as shop:
        product = {"id": 1, "name": "TV", "price": 140}
        assert shop.post("/data", json=product).status_code == 201
        assert shop.post("/data", json=product).status_code == 200
        tag = shop.get("/product/1").headers["etag"]
        assert shop.put("/product/1", json={"name": "TV", "price": 1}).status_code == 200
        assert shop.put("/product/1", json={"name": "TV", "price": 2}, headers={"if-match": tag}).status_code == 412
        tag = shop.get("/product/1").headers["etag"]
        assert shop.put("/product/1", json={"name": "TV", "price": 2}, headers={"if-match": tag}).status_code == 200
        assert shop.get("/products").status_code == 200
        proxy.drop()  # new connections prepare their statements again
        assert shop.get("/products").status_code == 200
        assert shop.delete("/product/1").status_code == 204
        assert shop.get("/product/1").status_code == 404
        assert shop.get("/status").status_code == 200
    assert messages.kinds <= SPOKEN.keys()
    first = server_limits(Timeouts()).query()  # the first connection asks
    assert messages.simple == {first, "BEGIN ISOLATION LEVEL READ COMMITTED", "COMMIT", "ROLLBACK"}
    assert len(messages.prepared - more) == 6, messages.prepared
    assert more <= messages.prepared
    assert messages.pinning() == []


@pytest.mark.parametrize(
    "statement",
    [
        "SET statement_timeout = 1", "set local lock_timeout = 1", "RESET ALL", "SELECT set_config('a.b', 'c', false)",
        "PREPARE a AS SELECT 1", "DEALLOCATE ALL", "DISCARD ALL", "CREATE TEMP TABLE a (id INT)",
        "CREATE TEMPORARY VIEW a AS SELECT 1", "DECLARE a CURSOR WITH HOLD FOR SELECT 1", "LISTEN a", "LOAD 'a'",
        "SELECT nextval('a')", "SELECT pg_try_advisory_lock(1)", "SELECT pg_advisory_xact_lock (1)",
        "SELECT 1 -- " + "x" * TOO_LONG,
    ],
)  # fmt: skip
@pytest.mark.parametrize("how", ["simple", "prepared"])
def test_the_check_finds_statements_that_pin(
    how: str, statement: str, heard: tuple[Proxy, Messages], postgres: OwnPostgres, module_database_url: str
) -> None:
    proxy, messages = heard
    address, who = database_at(through(proxy, module_database_url, postgres))
    ask: dict[str, Callable[[native.Connection], object]] = {
        "simple": lambda connection: connection.run(statement),
        "prepared": lambda connection: connection.prepare(statement).run(),
    }
    login = {"password": who.password, "database": address.database, "host": address.host, "port": address.port}
    with (
        native.Connection(who.username, ssl_context=False, **login) as connection,
        contextlib.suppress(native.DatabaseError),  # the message counts even if the statement fails
    ):
        ask[how](connection)
    assert messages.pinning() == [statement]
