"""A signal that does not wake the main thread is handled all the same."""

import queue
import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from fargate.servers.signals import handling
from fargate.threads.main_thread import join, taken

Arrivals = queue.SimpleQueue[object]

LATE_SECONDS = 10


@pytest.fixture
def arrivals() -> Iterator[Arrivals]:
    """What the handler of SIGTERM puts a number into; the signal arrives soon, in another thread.

    So does one that arrives just before the main thread waits: nothing interrupts that.
    """
    arrivals: Arrivals = queue.SimpleQueue()
    sender = threading.Timer(0.1, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM))
    with handling(lambda number, _frame: arrivals.put(number)):
        sender.start()
        yield arrivals


@pytest.mark.parametrize("wait", [taken, lambda arrivals: taken(arrivals, LATE_SECONDS)], ids=["for ever", "so long"])
def test_a_signal_that_arrives_in_another_thread_is_taken(arrivals: Arrivals, wait: Callable[[Arrivals], int]) -> None:
    late = threading.Timer(LATE_SECONDS - 1, arrivals.put, ("nothing has come",))
    late.start()
    assert wait(arrivals) == signal.SIGTERM
    late.cancel()


def test_its_handler_runs_while_the_main_thread_waits_for_another(arrivals: Arrivals) -> None:
    ended = threading.Event()
    with handling(lambda number, _frame: ended.set()):
        late = threading.Thread(target=ended.wait, args=(LATE_SECONDS,))
        late.start()
        join(late, LATE_SECONDS - 1)
        assert not late.is_alive()


def test_a_wait_ends_in_time() -> None:
    with pytest.raises(queue.Empty):
        taken(queue.SimpleQueue(), 0.01)
    waiting = threading.Event()
    thread = threading.Thread(target=waiting.wait)
    thread.start()
    join(thread, 0.01)
    assert thread.is_alive()
    waiting.set()
    thread.join()
