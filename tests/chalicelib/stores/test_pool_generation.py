"""One error that several connections report retires their generation once."""

from chalicelib.stores.pool_generation import PoolGeneration


def test_the_same_generation_is_retired_once() -> None:
    pool = PoolGeneration()
    pool.retire(0)
    pool.retire(0)
    assert pool.current == 1
    pool.retire(1)
    assert pool.current == 2
