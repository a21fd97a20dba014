"""The stores of these tests: the session's PostgreSQL behind proxies, and a Redis that they may harm."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.consistency.clients.workload import Recorder
from tests.consistency.faults.nemesis import Lane
from tests.consistency.trial import Trial
from tests.consistency.world import FASTEST, PRODUCTS, SHOP, running_world
from tests.fixtures.stores import OwnRedis, running_redis

Trials = Callable[..., AbstractContextManager[Trial]]


@pytest.fixture(scope="module")
def module_redis() -> Iterator[OwnRedis]:
    """A Redis for this module."""
    with running_redis() as server:
        yield server


@pytest.fixture
def trials(database_url: str, own_redis: OwnRedis) -> Trials:
    """Create a trial in a new world."""

    @contextmanager
    def trial(
        lanes: Sequence[Lane],
        *,
        servers: Sequence[str] = FASTEST,
        app: str = SHOP,
        leases: Sequence[int] = (50,),
        **environ: str,
    ) -> Iterator[Trial]:
        recorder = Recorder()
        initial = {product: next(recorder.values) for product in PRODUCTS}
        with running_world(
            database_url, own_redis, initial, servers=servers, app=app, leases=leases, **environ
        ) as world:
            yield Trial(world, recorder, lanes)

    return trial
