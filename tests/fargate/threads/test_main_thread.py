"""A signal that does not wake the main thread is handled all the same."""

import queue
import signal
import threading

from fargate.servers.signals import handling
from fargate.threads.main_thread import taken


def test_a_signal_that_arrives_in_another_thread_is_taken() -> None:
    """As one that arrives just before the main thread waits: nothing interrupts that."""
    arrivals: queue.SimpleQueue[object] = queue.SimpleQueue()
    late = threading.Timer(10, arrivals.put, ("nothing has come",))
    sender = threading.Timer(0.1, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM))
    with handling(lambda number, _frame: arrivals.put(number)):
        late.start()
        sender.start()
        assert taken(arrivals) == signal.SIGTERM
    late.cancel()
