"""PgBouncers in front of the session's PostgreSQL, each with two of its connections."""

from collections.abc import Iterator

import pytest

from tests.chalicelib.database.poolers.pgbouncer import PgBouncer, running_pgbouncer
from tests.chalicelib.database.products import sql
from tests.fixtures.stores import OwnPostgres

SIZE = "default_pool_size = 2"
IGNORED = "ignore_startup_parameters = statement_timeout, lock_timeout, idle_in_transaction_session_timeout"
"""What many set, to let clients in: their limits are then not in force."""


@pytest.fixture(
    scope="module", params=["session", "transaction", f"transaction\n{IGNORED}"], ids=lambda each: each[:17]
)
def pooler(request: pytest.FixtureRequest, postgres: OwnPostgres) -> Iterator[PgBouncer]:
    """A PgBouncer in each mode."""
    with running_pgbouncer(postgres.address, f"pool_mode = {request.param}", SIZE) as pooler:
        yield pooler


@pytest.fixture(scope="module")
def shared_pooler(postgres: OwnPostgres) -> Iterator[PgBouncer]:
    """A PgBouncer in transaction mode."""
    with running_pgbouncer(postgres.address, "pool_mode = transaction", SIZE) as pooler:
        yield pooler


@pytest.fixture
def pooled_url(module_database_url: str, pooler: PgBouncer) -> str:
    """A migrated database without products, through a pooler."""
    sql(module_database_url, "TRUNCATE products")
    return pooler.in_front_of(module_database_url.rpartition("/")[2])
