"""Successes share access lines above a rate; the weights of an outcome's lines add up to its requests."""

import contextlib
import io
import itertools
import json
import logging
from collections import Counter
from collections.abc import Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fargate.http.identifiers import IdentifierSource
from fargate.settings import Server as Kind
from fargate.telemetry.access_log import AccessLog, LineRate
from fargate.telemetry.request_record import RequestRecord
from fargate.telemetry.request_scope import RequestScope, enter_scope, no_scope
from fargate.telemetry.shared_lines import CALM_SECONDS, HOLD_SECONDS, SharedLines
from tests.fargate.telemetry.lines import Line, await_line, lines_of
from tests.fixtures.servers import serving

NOON = 1_795_521_600.0
FEW = {"ACCESS_LOG_LINES_PER_SECOND": "3", "ACCESS_LOG_ONE_IN": "10", "ACCESS_LOG_SLOW_MS": "60000"}


class Written(list[tuple[str, int]]):
    """The written lines with their weights."""

    def __call__(self, line: str, weight: int) -> None:
        self.append((line, weight))

    def requests(self) -> Counter[str]:
        """Return how many requests the lines stand for, by text."""
        counts: Counter[str] = Counter()
        for line, weight in self:
            counts[line] += weight
        return counts


def request(shared: SharedLines, written: Written, outcome: Hashable, now: float) -> None:
    """Write or share a request's line as the access log does."""
    if shared.has_room(now):
        written(str(outcome), 1)
    elif not shared.shares(outcome):
        shared.begin(outcome, str(outcome))


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(-100, 100)), max_size=200),
    st.integers(0, 5),
    st.integers(2, 7),
)
def test_weights_add_up_for_any_requests_and_any_clock(
    came: list[tuple[str, float]], lines_per_second: int, one_in: int
) -> None:
    written = Written()
    shared = SharedLines(lines_per_second, one_in, written)
    for outcome, seconds in came:
        request(shared, written, outcome, NOON + seconds)
    shared.finish()
    assert written.requests() == Counter(outcome for outcome, _ in came)
    assert all(1 <= weight <= one_in for _, weight in written)


def test_weights_add_up_among_threads() -> None:
    written = Written()
    shared = SharedLines(10, 3, written)
    moments = itertools.count()  # one clock for all threads: each second gives new lines

    def send(thread: int) -> None:
        for number in range(3000):
            request(shared, written, number % 2, NOON + next(moments) / 800)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(8)))
    shared.finish()
    assert written.requests() == {"0": 12_000, "1": 12_000}
    assert len(written) < 24_000 / 2


def test_up_to_the_rate_every_request_has_a_line_and_above_it_they_share() -> None:
    written = Written()
    shared = SharedLines(5, 10, written)
    for _ in range(3):
        request(shared, written, "a", NOON)
    assert written == [("a", 1)] * 3
    for _ in range(22):
        request(shared, written, "a", NOON + 0.5)
    assert written == [("a", 1)] * 5 + [("a", 10)] * 2
    request(shared, written, "a", NOON + 1)
    assert written[-1] == ("a", 1), "the next second has lines left again"


def test_a_line_shared_by_few_is_written_after_a_while() -> None:
    written = Written()
    shared = SharedLines(0, 100, written)
    for _ in range(3):
        request(shared, written, "rare", NOON)
    request(shared, written, "other", NOON + HOLD_SECONDS - 1)
    assert written == []
    request(shared, written, "other", NOON + HOLD_SECONDS)
    assert written == [("rare", 3), ("other", 1)]


def test_a_rare_outcome_has_its_own_line() -> None:
    written = Written()
    shared = SharedLines(0, 100, written)
    for number in range(1000):
        request(shared, written, "rare" if number == 500 else "common", NOON)
    shared.finish()
    assert ("rare", 1) in written


def test_once_finished_nothing_waits() -> None:
    written = Written()
    shared = SharedLines(0, 10, written)
    shared.finish()
    request(shared, written, "late", NOON)
    assert written == [("late", 1)]


def test_the_first_shared_line_and_the_end_of_sharing_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    written = Written()
    shared = SharedLines(1, 10, written)
    with caplog.at_level(logging.INFO, "fargate"):
        for second in range(5):
            request(shared, written, "a", NOON + second)
            request(shared, written, "a", NOON + second + 0.5)
        shared_at = NOON + 4
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "More than 1 successes a second" in caplog.text
        for second in range(1, int(CALM_SECONDS)):
            request(shared, written, "a", shared_at + second)
        assert len(caplog.records) == 1
        request(shared, written, "a", shared_at + CALM_SECONDS + 1)
        request(shared, written, "a", shared_at + CALM_SECONDS + 2)
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
        assert "4 had none of their own" in caplog.text
        for _ in range(3):
            request(shared, written, "a", shared_at + CALM_SECONDS + 3)
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "WARNING"]


def exchange(status: int = 200, seconds: float = 0.001, cache: str | None = None) -> RequestRecord:
    return RequestRecord("GET", "/product/{id}", status, seconds, 42, "10.0.0.1", cache)


@contextlib.contextmanager
def lines_for(rate: LineRate) -> Iterator[tuple[AccessLog, list[Line]]]:
    """Serve one request in the block; yield an access log, and a list that holds its lines after the block."""
    lines: list[Line] = []
    log = AccessLog(f"sampled {id(rate)}", "INFO", rate=rate)
    with contextlib.redirect_stdout(io.StringIO()) as written, no_scope():
        enter_scope(RequestScope(None, IDS))
        yield log, lines
        log.finish()
    lines.extend(map(json.loads, written.getvalue().splitlines()))


def weights(lines: list[Line]) -> list[int]:
    return [line["weight"] for line in lines]


IDS = IdentifierSource(1).next(None, None, NOON)


@pytest.mark.parametrize(
    ("record", "recorded"),
    [
        (exchange(400), False),
        (exchange(404), False),
        (exchange(500), False),
        (exchange(503), False),
        (exchange(seconds=0.1), False),
        (exchange(), True),
    ],
)
def test_errors_slow_requests_and_traced_ones_always_have_a_line(record: RequestRecord, recorded: bool) -> None:
    with lines_for(LineRate(0, 10, 0.1)) as (log, lines):
        for _ in range(20):
            log.write(record, recorded=recorded)
    assert weights(lines) == [1] * 20


@pytest.mark.parametrize("record", [exchange(), exchange(304), exchange(seconds=0.0999), exchange(cache="hit")])
def test_other_successes_share_lines(record: RequestRecord) -> None:
    with lines_for(LineRate(0, 10, 0.1)) as (log, lines):
        for _ in range(25):
            log.write(record)
    assert weights(lines) == [10, 10, 5]
    assert {line["request_id"] for line in lines} == {IDS.request_id}


def test_a_line_with_appended_keys_is_not_shared() -> None:
    with lines_for(LineRate(0, 10)) as (log, lines):
        for user in range(20):
            with no_scope():
                enter_scope(scope := RequestScope(None, IDS))
                scope.log_keys[id(log.formatter)] = {"user": user}
                log.write(exchange())
    assert [(line["user"], line["weight"]) for line in lines] == [(user, 1) for user in range(20)]


def test_hits_and_misses_are_counted_apart() -> None:
    with lines_for(LineRate(0, 10)) as (log, lines):
        for number in range(20):
            log.write(exchange(cache="hit" if number % 4 else "miss"))
    hits = sum(line["weight"] for line in lines if line["cache"] == "hit")
    assert (hits, sum(weights(lines))) == (15, 20)


@pytest.mark.parametrize("rate", [LineRate(), LineRate(0, 1), LineRate(1_000_000, 10)])
def test_without_a_rate_or_below_it_every_request_has_a_line(rate: LineRate) -> None:
    with lines_for(rate) as (log, lines):
        for _ in range(100):
            log.write(exchange())
    assert weights(lines) == [1] * 100


@pytest.mark.parametrize("kind", list(Kind))
def test_lines_of_a_server_add_up_to_its_clients_and_its_metrics_count(
    kind: Kind, module_database_url: str, module_redis_url: str
) -> None:
    stores = {"DATABASE_URL": module_database_url, "REDIS_URL": module_redis_url}
    environ = {**stores, **FEW, "SERVER": kind}
    traced = {"X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678;Sampled=1"}
    sent: Counter[tuple[str, int]] = Counter()
    with serving(environ) as server:
        with httpx.Client(base_url=server.url, timeout=10) as client, ThreadPoolExecutor(4) as pool:
            for path, times in {"/livez": 95, "/": 73, "/product/0": 30, "/nowhere": 20}.items():
                for answer in pool.map(client.get, [path] * times):
                    sent[path, answer.status_code] += 1
            for answer in pool.map(lambda path: client.get(path, headers=traced), ["/products"] * 30):
                sent["/products", answer.status_code] += 1
            await_line(server, lambda line: "ACCESS_LOG_ONE_IN" in line["message"])
            metrics = client.get("/metrics").text
        server.process.terminate()
        assert server.process.wait(30) == 0
        lines = [line for line in lines_of(server) if "http" in line]
        assert sum("ACCESS_LOG_ONE_IN" in line["message"] for line in lines_of(server)) == 1
    routes = {"/product/0": "/product/{id}", "/nowhere": "unmatched"}
    for (path, status), times in sent.items():
        route = routes.get(path, path)
        of_route = [line for line in lines if (line["http"]["route"], line["http"]["status"]) == (route, status)]
        assert sum(line["weight"] for line in of_route) == times, path
        assert counted(metrics, route, status) == times, path
        assert (len(of_route) == times) is (status >= 400 or path == "/products"), path


def counted(metrics: str, route: str, status: int) -> int:
    """Return how many requests of a route were counted."""
    wanted = ("http_server_request_duration_seconds_count{", f'http_route="{route}"', f'="{status}"')
    return sum(int(float(line.split()[-1])) for line in metrics.splitlines() if all(each in line for each in wanted))
