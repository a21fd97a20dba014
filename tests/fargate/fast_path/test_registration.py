"""A route that needs more than its handler stops the start; whatever comes of a request, it is counted once."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from chalice.app import Chalice, CORSConfig, IAMAuthorizer, Response
from prometheus_client import CollectorRegistry

from fargate.asgi import Receive, create_asgi_app
from fargate.errors import ConfigurationError
from fargate.fast_path import fast_routes_of
from fargate.lifecycle import Lifecycle, Phase
from fargate.settings import Settings
from fargate.telemetry.telemetry import telemetry_of
from fargate.wsgi import create_wsgi_app
from tests.contract.other_servers.asgi import asked
from tests.fixtures.wsgi import call

Route = tuple[str, str]


def from_memory(parameters: Mapping[str, str], headers: Any) -> Response | None:
    found = {"memory": Response("memory"), "evil": Response("x", {"Evil": "a\nb"})}
    return found.get(parameters["name"])


async def from_loop(parameters: Mapping[str, str], headers: Any) -> Response | None:
    await asyncio.sleep(0)
    return Response("loop") if parameters["name"] == "loop" else None


def app_with(route: Route = ("GET", "/{name}"), **options: Any) -> Chalice:
    app = Chalice("fast")
    app.route("/{name}", **options)(lambda name: Response("handler"))
    app.route("/readyz", name="readyz")(lambda: Response("handler"))
    app.fast_path = {route: (from_memory, from_loop)}  # type: ignore[attr-defined]
    return app


def with_middleware() -> Chalice:
    app = app_with()
    app.register_middleware(lambda event, get_response: get_response(event), "http")
    return app


@pytest.mark.parametrize(
    ("app", "fault"),
    [
        (app_with(("GET", "/nowhere")), "GET /nowhere is not a route of this app"),
        (app_with(("PUT", "/{name}")), "PUT /{name} is not a route of this app"),
        (app_with(authorizer=IAMAuthorizer()), "GET /{name} has an authorizer"),
        (app_with(api_key_required=True), "GET /{name} requires an API key"),
        (app_with(cors=CORSConfig()), "GET /{name} has CORS"),
        (app_with(("GET", "/readyz")), "GET /readyz is a probe"),
        (with_middleware(), "GET /{name} would go past the app's middleware"),
    ],
)
@pytest.mark.parametrize("create", [create_asgi_app, create_wsgi_app])
def test_a_route_that_needs_more_than_its_handler_is_refused(
    app: Chalice, fault: str, create: Callable[..., object]
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        create(app, Settings())
    assert str(refused.value) == f"app.fast_path: {fault}"


def test_asking_for_a_route_adds_none_to_the_app() -> None:
    app = app_with(("GET", "/nowhere"))
    with pytest.raises(ConfigurationError):
        fast_routes_of(app)
    assert "/nowhere" not in app.routes


def former_app() -> Chalice:
    app = app_with()
    del app.fast_path  # type: ignore[attr-defined]
    app.answer_ahead = lambda *_: Response("ahead")  # type: ignore[attr-defined]
    return app


def test_an_app_with_the_former_hook_works_and_is_warned(caplog: pytest.LogCaptureFixture) -> None:
    statuses, _ = counted(former_app(), "memory")
    assert statuses == [200]
    assert "app.answer_ahead is no longer called; register routes in app.fast_path" in caplog.text


def test_an_app_that_answers_its_probes_early_is_unready_while_it_drains() -> None:
    app = create_wsgi_app(former_app(), Settings(), Lifecycle(Phase.DRAINING))
    assert call(app, "GET", "/readyz").status == 503


def counted(
    app: Chalice,
    *names: str,
    settings: Settings = Settings(),  # noqa: B008
    client_stays: bool = True,
    sent: Callable[[int], None] = lambda status: None,
) -> tuple[list[int], CollectorRegistry]:
    """Return the statuses of requests that come at the same time, and the metrics afterwards."""
    asgi = create_asgi_app(app, settings, telemetry=telemetry_of(app, settings))
    statuses: list[int] = []

    def client() -> Receive:
        messages = [{"type": "http.disconnect"}, {"type": "http.request"}]

        async def receive() -> Any:
            if client_stays and len(messages) == 1:
                await asyncio.Event().wait()
            return messages.pop()

        return receive

    async def send(message: Any) -> None:
        if "status" in message:
            statuses.append(message["status"])
            sent(message["status"])

    async def ask_all() -> None:
        await asyncio.gather(*(asgi(scope_of(name), client(), send) for name in names))

    asyncio.run(ask_all())
    return statuses, app.metrics_registry  # type: ignore[attr-defined]


def scope_of(name: str) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": f"/{name}",
        "raw_path": f"/{name}".encode(),
        "query_string": b"",
        "headers": [(b"host", b"x")],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 8000),
    }


@pytest.mark.parametrize("name", ["memory", "loop", "handler", "evil"])
def test_whichever_way_a_request_takes_it_is_counted_once(name: str) -> None:
    statuses, metrics = counted(app_with(), name)
    labels = {"http_request_method": "GET", "http_route": "/{name}", "http_response_status_code": "200"}
    assert statuses == [200]
    assert metrics.get_sample_value("http_server_request_duration_seconds_count", labels) == 1
    assert metrics.get_sample_value("http_server_active_requests") == 0


@pytest.mark.parametrize(
    ("name", "body"), [("memory", b"memory"), ("loop", b"handler"), ("handler", b"handler"), ("evil", b"handler")]
)
def test_under_wsgi_the_plain_function_is_asked_before_the_handler(name: str, body: bytes) -> None:
    app = app_with()
    wsgi = create_wsgi_app(app, Settings(), telemetry=telemetry_of(app, Settings()))
    assert call(wsgi, "GET", f"/{name}").body == body
    labels = {"http_request_method": "GET", "http_route": "/{name}", "http_response_status_code": "200"}
    metrics: CollectorRegistry = app.metrics_registry  # type: ignore[attr-defined]
    assert metrics.get_sample_value("http_server_request_duration_seconds_count", labels) == 1


def test_the_fast_path_is_taken_below_a_mount() -> None:
    wsgi = create_wsgi_app(app_with(), Settings())
    assert call(wsgi, "GET", "/m/memory", SCRIPT_NAME="/m", PATH_INFO="/memory").body == b"memory"
    asgi = create_asgi_app(app_with(), Settings())
    assert asked(asgi, path="/m/memory", raw_path=b"/m/memory", root_path="/m") == (200, b"memory")


def test_a_request_that_the_overloaded_server_turns_away_is_counted_once_too() -> None:
    settings = Settings(threads=1, connection_limit=1)
    statuses, metrics = counted(app_with(), *["handler"] * 10, settings=settings)
    assert sorted(statuses) == [200] * 2 + [503] * 8
    assert metrics.get_sample_value("http_server_active_requests") == 0
    labels = {"http_request_method": "GET", "http_route": "/{name}", "http_response_status_code": "503"}
    assert metrics.get_sample_value("http_server_request_duration_seconds_count", labels) == 8


def test_a_request_whose_client_goes_while_it_waits_for_a_thread_is_given_up() -> None:
    refused = threading.Semaphore(0)
    app = app_with()
    app.routes["/{name}"]["GET"].view_function = lambda name: Response(str(refused.acquire() and refused.acquire()))
    statuses, metrics = counted(
        app, *["handler"] * 3, settings=Settings(threads=1), client_stays=False, sent=lambda _: refused.release()
    )
    assert sorted(statuses) == [200, 503, 503]
    assert metrics.get_sample_value("http_server_active_requests") == 0


def test_the_end_of_an_empty_body_is_no_departure_of_its_client() -> None:
    app = app_with()
    app.routes["/{name}"]["GET"].view_function = lambda name: (time.sleep(0.2), Response("handler"))[1]
    statuses, _ = counted(app, *["handler"] * 3, settings=Settings(threads=1))
    assert statuses == [200] * 3
