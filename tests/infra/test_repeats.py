"""The emulated AWS carries out a repeated request once; over HTTP, as Terraform calls it."""

import io
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from wsgiref.types import StartResponse, WSGIEnvironment

import httpx
import pytest
import waitress.server

from tests.infra.emulator.repeats import KEPT, DoneOnce

SQS = "AWS4-HMAC-SHA256 Credential=test/20261128/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=0"


class Counter:
    """A service that records requests; /slow waits for `go_on`, /fails fails once."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.began, self.go_on = threading.Event(), threading.Event()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        self.done.append(path)
        if path == "/slow":
            self.began.set()
            assert self.go_on.wait(20)
        failed = path == "/fails" and self.done.count(path) == 1
        start_response("503 Service Unavailable" if failed else "200 OK", [("X-Count", str(len(self.done)))])
        return [environ["wsgi.input"].read(), f" was number {len(self.done)}".encode()]


@pytest.fixture
def service() -> Counter:
    return Counter()


@pytest.fixture
def client(service: Counter) -> Iterator[httpx.Client]:
    """A client of the service, served by waitress as the emulator is."""
    server = waitress.server.create_server(DoneOnce(service), host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{server.effective_port}", timeout=30) as client:
            yield client
    finally:
        service.go_on.set()
        server.trigger.pull_trigger(server.close)  # in its own loop, which then ends
        thread.join()
        server.task_dispatcher.shutdown()


def ask(client: httpx.Client, call: str, attempt: int = 1, path: str = "/", **headers: str) -> tuple[int, str, str]:
    headers |= {"amz-sdk-invocation-id": call, "amz-sdk-request": f"attempt={attempt}; max=5"}
    answer = client.post(path, headers=headers, content=call)
    return answer.status_code, answer.headers.get("X-Count", ""), answer.text


def test_a_repeated_call_is_carried_out_once_and_gets_the_same_answer(service: Counter, client: httpx.Client) -> None:
    first = ask(client, "a")
    assert ask(client, "a", attempt=2) == first == (200, "1", "a was number 1")
    assert service.done == ["/"]


def test_another_call_with_the_same_body_is_carried_out(service: Counter, client: httpx.Client) -> None:
    assert [ask(client, call)[1] for call in ("a", "b")] == ["1", "2"]


def test_requests_without_an_id_are_all_carried_out(service: Counter, client: httpx.Client) -> None:
    assert [client.post("/").headers["X-Count"] for _ in range(2)] == ["1", "2"]


def test_a_failed_call_is_carried_out_when_repeated(service: Counter, client: httpx.Client) -> None:
    assert ask(client, "a", path="/fails")[0] == 503
    assert ask(client, "a", attempt=2, path="/fails")[0] == 200
    assert service.done == ["/fails", "/fails"]


def test_a_repeat_waits_for_the_first_attempt_that_still_runs(service: Counter, client: httpx.Client) -> None:
    with ThreadPoolExecutor() as pool:
        first = pool.submit(ask, client, "a", path="/slow")
        assert service.began.wait(20)
        second = pool.submit(ask, client, "a", attempt=2, path="/slow")
        receiver = ask(client, "c", Authorization=SQS)  # sent after both, and does not wait for them
        service.go_on.set()
        assert first.result() == second.result()
    assert receiver[0] == 200
    assert sorted(service.done) == ["/", "/slow"]


def test_only_the_newest_answers_are_kept(service: Counter) -> None:
    done_once = DoneOnce(service)
    for call in [*map(str, range(KEPT + 1)), "0", str(KEPT)]:
        run(done_once, call)
    assert len(service.done) == KEPT + 2  # the oldest was repeated, the newest was kept


def run(application: DoneOnce, call: str) -> None:
    environ = {
        "HTTP_AMZ_SDK_INVOCATION_ID": call,
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "wsgi.input": io.BytesIO(),
    }
    application(environ, lambda status, headers, exc_info=None: lambda data: None)
