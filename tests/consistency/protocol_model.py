"""A model of the cache protocol: every interleaving of two writers and two tasks that read, on one product.

Each command to Redis or PostgreSQL is one step. At any moment entries may be evicted, the hot set lost, and writers may
die. Time is abstract: a copy in a task's memory may end at any moment, its announcement not before the copy, and a wait
ends when every copy that it waits for has ended. The writers are alike, and so are the tasks: of states that
differ only in their numbers, one is followed, and all are counted.

What is checked in each state: a read that starts after an acknowledged write never returns an older version.
`python -m tests.consistency.protocol_model` prints the result of each control.
"""

from collections import deque
from collections.abc import Iterator
from enum import IntEnum, StrEnum
from functools import cache
from itertools import permutations, product
from typing import NamedTuple

WRITERS = TASKS = 2
PENDING = -1  # a copy that is announced, but not loaded

Tasks = frozenset[int]
Entry = tuple[str, int] | None
NO_TASKS: Tasks = frozenset()


class Control(StrEnum):
    """A part that is removed from the protocol."""

    NONE = "the protocol"
    NO_WAIT = "no wait"
    NO_SECOND_WAIT = "no second wait"
    NO_ANNOUNCEMENT = "no announcement"
    LEAVE_OTHER_FENCE = "another's fence left"
    IGNORE_LOST_HOT_SET = "a lost hot set not waited out"
    FILL_ANYWAY = "a fill without a lease of one's own"
    PUBLISH_ANYWAY = "a publishing without a fence of one's own"


class Stage(IntEnum):
    """A writer's stage."""

    __hash__ = int.__hash__  # that of Enum is written in Python, and slow
    IDLE, FENCED, WAITING, COMMITTED, DELETED, PUBLISHED, DONE, DEAD = range(8)


class Look(IntEnum):
    """The stage of a task's read."""

    __hash__ = int.__hash__
    IDLE, ANNOUNCED, LEASED, LOADED = range(4)


class Writer(NamedTuple):
    """A writer, the tasks whose copies it waits for, and the version that it wrote."""

    stage: Stage
    waits: Tasks
    version: int


class Task(NamedTuple):
    """A task, the oldest version that its read may return, what it loaded, and its copy."""

    look: Look
    floor: int
    loaded: int
    copy: int | None


class State(NamedTuple):
    """The whole state: `announced` is the hot set; `lost` are tasks whose copies a lost hot set named."""

    database: int
    acknowledged: int
    entry: Entry
    announced: Tasks
    lost: Tasks
    writers: tuple[Writer, ...]
    tasks: tuple[Task, ...]


START = State(
    0, 0, None, NO_TASKS, NO_TASKS, (Writer(Stage.IDLE, NO_TASKS, 0),) * WRITERS, (Task(Look.IDLE, 0, 0, None),) * TASKS
)

Order = tuple[int, ...]
ORDERS: list[tuple[Order, Order]] = list(product(permutations(range(WRITERS)), permutations(range(TASKS))))
"""Each order of the writers, with each of the tasks: at each place, whose number it was."""

Step = tuple[str, State | None]
"""A step and the state after it; None: a read returned an old version."""


def explore(control: Control = Control.NONE) -> tuple[int, list[str] | None]:
    """Return the number of states, and the shortest history that breaks the promise, if there is one."""
    parents: dict[State, tuple[State, str] | None] = {START: None}
    known, todo = {START}, deque([START])
    while todo:
        state = todo.popleft()
        for name, following in steps(state, control):
            if following is None:
                return len(known), [*_history(parents, state), name]
            if following not in known:
                known.update(renumbered(following))
                parents[following] = state, name
                todo.append(following)
    return len(known), None


def renumbered(state: State) -> Iterator[State]:
    """Yield the state with its writers and its tasks in every order. What can follow one can follow all."""
    for writers, tasks in ORDERS:
        yield State(
            state.database,
            state.acknowledged,
            _renumbered(state.entry, writers, tasks),
            _moved(state.announced, tasks),
            _moved(state.lost, tasks),
            _reordered(state.writers, writers, tasks),
            tuple([state.tasks[number] for number in tasks]),
        )


def _renumbered(entry: Entry, writers: Order, tasks: Order) -> Entry:
    match entry:
        case ("fence", number):
            return "fence", writers.index(number)
        case ("lease", number):
            return "lease", tasks.index(number)
    return entry


@cache
def _moved(numbers: Tasks, tasks: Order) -> Tasks:
    return frozenset(map(tasks.index, numbers))


@cache
def _reordered(writers: tuple[Writer, ...], order: Order, tasks: Order) -> tuple[Writer, ...]:
    return tuple(writers[number]._replace(waits=_moved(writers[number].waits, tasks)) for number in order)


def _history(parents: dict[State, tuple[State, str] | None], state: State) -> list[str]:
    names: list[str] = []
    while (parent := parents[state]) is not None:
        state, name = parent
        names.append(name)
    return names[::-1]


def steps(state: State, control: Control) -> Iterator[Step]:
    """Yield all possible steps."""
    yield from _environment(state, control)
    for number, writer in enumerate(state.writers):
        yield from _write(state, number, writer, control)
    for number, task in enumerate(state.tasks):
        yield from _read(state, number, task, control)


def _environment(state: State, control: Control) -> Iterator[Step]:
    if state.entry is not None:
        yield "the entry is evicted", state._replace(entry=None)
    if state.announced:
        lost = NO_TASKS if control is Control.IGNORE_LOST_HOT_SET else frozenset(_holders(state, range(TASKS)))
        yield "the hot set is lost", state._replace(announced=NO_TASKS, lost=state.lost | lost)
    for number, task in enumerate(state.tasks):
        if task.copy is not None:
            ended = {number}
            writers = tuple(writer._replace(waits=writer.waits - ended) for writer in state.writers)
            after = state._replace(announced=state.announced - ended, lost=state.lost - ended, writers=writers)
            yield f"copy {number} ends", _with_task(after, number, task._replace(copy=None))


def _write(state: State, number: int, writer: Writer, control: Control) -> Iterator[Step]:  # noqa: C901  an arm for each stage
    mine = ("fence", number)

    def then(stage: Stage, waits: Tasks = NO_TASKS, version: int = writer.version) -> State:
        moved = Writer(stage, waits, version)
        return state._replace(writers=(*state.writers[:number], moved, *state.writers[number + 1 :]))

    match writer.stage:
        case Stage.IDLE:
            yield f"writer {number} fences", then(Stage.FENCED)._replace(entry=mine)
        case Stage.FENCED:
            waits = NO_TASKS if control is Control.NO_WAIT else _named(state, control)
            yield f"writer {number} asks the hot set", then(Stage.WAITING, waits)
        case Stage.WAITING if not writer.waits:
            version = state.database + 1
            yield f"writer {number} commits", then(Stage.COMMITTED, version=version)._replace(database=version)
        case Stage.COMMITTED if state.entry == mine or control is Control.PUBLISH_ANYWAY:
            yield f"writer {number} publishes", then(Stage.PUBLISHED)._replace(entry=("body", writer.version))
        case Stage.COMMITTED:
            stays = control is Control.LEAVE_OTHER_FENCE and state.entry is not None and state.entry[0] == "fence"
            yield f"writer {number} deletes", then(Stage.DELETED)._replace(entry=state.entry if stays else None)
        case Stage.DELETED:
            waits = NO_TASKS if control is Control.NO_SECOND_WAIT else _named(state, control)
            yield f"writer {number} asks again", then(Stage.PUBLISHED, waits)
        case Stage.PUBLISHED if not writer.waits:
            newest = max(state.acknowledged, writer.version)
            yield f"writer {number} is acknowledged", then(Stage.DONE)._replace(acknowledged=newest)
    if Stage.IDLE < writer.stage < Stage.DONE:
        yield f"writer {number} dies", then(Stage.DEAD)


def _read(state: State, number: int, task: Task, control: Control) -> Iterator[Step]:  # noqa: C901  an arm for each stage
    copy = None if task.copy == PENDING else task.copy
    lease = ("lease", number)

    def then(look: Look, copy: int | None, loaded: int = 0, floor: int = 0) -> State:
        return _with_task(state, number, Task(look, floor, loaded, copy))

    match task.look:
        case Look.IDLE if copy is not None:
            if copy < state.acknowledged:
                yield f"task {number} answers version {copy} from memory", None
        case Look.IDLE:
            began = then(Look.ANNOUNCED, PENDING, floor=state.acknowledged)
            yield f"task {number} announces", began._replace(announced=state.announced | {number})
        case Look.ANNOUNCED if state.entry is None:
            yield f"task {number} leases", then(Look.LEASED, copy, floor=task.floor)._replace(entry=lease)
        case Look.ANNOUNCED if state.entry is not None and state.entry[0] == "body":
            version = state.entry[1]
            if version < task.floor:
                yield f"task {number} answers version {version} from Redis", None
            yield f"task {number} keeps version {version}", then(Look.IDLE, version if task.copy == PENDING else None)
        case Look.ANNOUNCED:
            if state.database < task.floor:
                yield f"task {number} answers version {state.database} past Redis", None
            yield f"task {number} answers past Redis", then(Look.IDLE, None)
        case Look.LEASED:
            yield f"task {number} loads", then(Look.LOADED, task.copy, state.database, task.floor)
        case Look.LOADED:
            if task.loaded < task.floor:
                yield f"task {number} answers version {task.loaded} that it loaded", None
            fills = state.entry == lease or control is Control.FILL_ANYWAY
            entry = ("body", task.loaded) if fills else state.entry
            yield f"task {number} fills", then(Look.IDLE, task.copy)._replace(entry=entry)


def _named(state: State, control: Control) -> Tasks:
    """Return the tasks whose copies a writer must wait for."""
    if control is Control.NO_ANNOUNCEMENT:
        return NO_TASKS
    return frozenset(_holders(state, state.announced | state.lost))


def _holders(state: State, numbers: range | Tasks) -> Iterator[int]:
    return (number for number in numbers if state.tasks[number].copy is not None)


def _with_task(state: State, number: int, task: Task) -> State:
    return state._replace(tasks=(*state.tasks[:number], task, *state.tasks[number + 1 :]))


if __name__ == "__main__":
    for each in Control:
        states, wrong = explore(each)
        print(f"{each}: {states} states: {' > '.join(wrong) if wrong else 'holds'}", flush=True)  # noqa: T201
