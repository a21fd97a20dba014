"""The shop's clients: readers that never pause, and writers that record the response to each write.

What must hold: each operation is recorded with a time before it was sent and a time after it was answered, and each
write has a value of its own.
"""

import functools
import itertools
import random
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from tests.consistency.clients.client import NoAnswerError, TaskClient
from tests.consistency.judge.history import ABSENT, Read, Status, Value, Write

T = TypeVar("T")

READERS = 6
WRITERS = 4
PAUSE_SECONDS = 0.02  # after no answer: the task is perhaps being started again
WRITERS_PAUSE_SECONDS = 0.15  # at most, between two writes, so that products are cached for a while
RETRIES = 3
ROUTE_LENGTH = 997

_ACKNOWLEDGED = frozenset({200, 201, 204})


class Recorder:
    """The reads and writes since the last call of `take_*`. Thread-safe."""

    def __init__(self) -> None:
        self.values = itertools.count(1)
        self.slowest = 0.0  # seconds that any answer took
        self.failed_reads: Counter[int] = Counter()  # by HTTP status; 0: no answer
        self._lock = threading.Lock()
        self._reads: deque[Read] = deque()
        self._writes: deque[Write] = deque()
        self.see_read = self._reads.append
        self.see_write = self._writes.append

    def take_reads(self) -> list[Read]:
        """Return the reads seen since the last call, and forget them."""
        return _drained(self._reads)

    def take_writes(self) -> list[Write]:
        """Return the writes seen since the last call, and forget them."""
        return _drained(self._writes)

    def read(self, client: TaskClient, product: int) -> bool:
        """Read a product and record what was seen; return whether there was any answer."""
        start = time.monotonic()
        try:
            status, value = client.get(product)
        except NoAnswerError:
            self._fail(0)
            return False
        end = time.monotonic()
        if status in (200, 404):
            self.see_read(Read(start, end, product, value))
        else:
            self._fail(status)
        if end - start > self.slowest:
            self.slowest = end - start
        return True

    def write(self, product: int, value: Value, send: Callable[[], int]) -> tuple[Status, int]:
        """Send a write and record its outcome; return that and the HTTP status (0: no answer)."""
        start = time.monotonic()
        try:
            code = send()
        except NoAnswerError:
            code = 0
        end = time.monotonic()
        status = _status_of(code)
        self.see_write(Write(start, end, product, value, status))
        self.slowest = max(self.slowest, end - start)
        return status, code

    def _fail(self, status: int) -> None:
        with self._lock:
            self.failed_reads[status] += 1


class Workload:
    """Clients in threads, which run while the block does. The writers can be stopped before the readers."""

    def __init__(
        self,
        recorder: Recorder,
        ports: Sequence[int],
        products: Sequence[int],
        seed: int,
        *,
        readers: int = READERS,
        writers: int = WRITERS,
        writers_pause: float = WRITERS_PAUSE_SECONDS,
    ) -> None:
        self._stop_reading = threading.Event()
        self._stop_writing = threading.Event()
        self._readers = [
            _Reader(recorder, ports, products, random.Random(f"{seed}/reader/{number}"), self._stop_reading)
            for number in range(readers)
        ]
        self._writers = [
            _Writer(
                recorder, ports, products, random.Random(f"{seed}/writer/{number}"), self._stop_writing, writers_pause
            )
            for number in range(writers)
        ]

    def __enter__(self) -> "Workload":
        for thread in (*self._readers, *self._writers):
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_writing()
        self._stop_reading.set()
        for thread in self._readers:
            thread.join()

    def stop_writing(self) -> None:
        """Stop the writers; return when none waits for an answer."""
        self._stop_writing.set()
        for thread in self._writers:
            thread.join()


class _Client(threading.Thread, ABC):
    """A client that has a connection to every task."""

    def __init__(
        self,
        recorder: Recorder,
        ports: Sequence[int],
        products: Sequence[int],
        rng: random.Random,
        stop: threading.Event,
    ) -> None:
        super().__init__(daemon=True)
        self._recorder = recorder
        self._clients = [TaskClient(port) for port in ports]
        self._products = products
        self._random = rng
        self._stopped = stop

    def run(self) -> None:
        """Work until the workload stops."""
        try:
            self.work()
        finally:
            for client in self._clients:
                client.close()

    @abstractmethod
    def work(self) -> None:
        """Send the requests of this kind of client."""


class _Reader(_Client):
    """Reads any product from any task, one read after another."""

    def work(self) -> None:
        choose = self._random.choice
        route = [(choose(self._clients), choose(self._products)) for _ in range(ROUTE_LENGTH)]
        read, stopped = self._recorder.read, self._stopped.is_set
        for client, product in itertools.cycle(route):
            if stopped():
                return
            if not read(client, product):
                time.sleep(PAUSE_SECONDS)


class _Writer(_Client):
    """Writes a product, and after the acknowledgement reads it from every task. What it writes next depends on that."""

    def __init__(
        self,
        recorder: Recorder,
        ports: Sequence[int],
        products: Sequence[int],
        rng: random.Random,
        stop: threading.Event,
        pause: float,
    ) -> None:
        super().__init__(recorder, ports, products, rng, stop)
        self._pause = pause

    def work(self) -> None:
        while not self._stopped.is_set():
            product = self._random.choice(self._products)
            if self._random.random() < 0.85:
                self._replace(product)
            else:
                self._remove_and_create(product)
            self._rest(self._pause)

    def _replace(self, product: int) -> None:
        value = next(self._recorder.values)
        put = self._random.choice(self._clients).put
        if self._write(product, value, functools.partial(put, product, value)) == 404:
            self._create(product)

    def _remove_and_create(self, product: int) -> None:
        delete = self._random.choice(self._clients).delete
        self._write(product, ABSENT, functools.partial(delete, product))
        self._rest(self._pause / 4)
        self._create(product)

    def _create(self, product: int) -> None:
        """Create it; if the outcome is unknown, send the same again."""
        value = next(self._recorder.values)
        for _ in range(RETRIES):
            post = self._random.choice(self._clients).post
            if self._write(product, value, functools.partial(post, product, value)) not in (0, 503):
                return

    def _write(self, product: int, value: Value, send: Callable[[], int]) -> int:
        status, code = self._recorder.write(product, value, send)
        if status is Status.ACKNOWLEDGED:
            for client in self._random.sample(self._clients, len(self._clients)):
                self._recorder.read(client, product)
        elif code == 0:
            time.sleep(PAUSE_SECONDS)
        return code

    def _rest(self, most: float) -> None:
        if most:
            self._stopped.wait(self._random.uniform(0, most))


def _status_of(code: int) -> Status:
    if code in _ACKNOWLEDGED:
        return Status.ACKNOWLEDGED
    return Status.REFUSED if 400 <= code < 500 else Status.UNKNOWN


def _drained(queue: deque[T]) -> list[T]:
    taken = []
    while queue:
        taken.append(queue.popleft())
    return taken
