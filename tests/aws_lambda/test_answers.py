"""Lambda answers as the container does, byte for byte: every route, in success and in failure.

Both receive the same requests, each time with empty stores: `python -m fargate` over a socket, and the unpacked package
under AWS's runtime client as the events of a REST API.
"""

import itertools
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import redis
from pg8000.native import Connection

from app import app
from chalicelib.settings import read_settings
from local.ports import free_port
from local.waiting import wait_until
from tests.aws_lambda.function import Function, Sandbox, running
from tests.aws_lambda.packaged import Package
from tests.chalicelib.database.products import database_at
from tests.chalicelib.database.rds import KEY as SECRET_KEY
from tests.chalicelib.database.rds import KEY_ID, rds_before
from tests.contract.clients.client import ServerClient
from tests.contract.clients.messages import Request, Response
from tests.contract.clients.resources import resource_of
from tests.contract.runtimes.story import DETAILS, KEY, STORY, TV, play, read, write
from tests.fargate.telemetry.xray.daemon import Daemon, listening_daemon
from tests.fixtures.certificates import Authority
from tests.fixtures.emulated_aws import serving_secrets_manager
from tests.fixtures.servers import serving

Start = Callable[[dict[str, str]], AbstractContextManager[Function]]

# Requests that STORY does not have.
MORE: dict[str, Request] = {
    "created": write("POST", "/data", TV),
    "named by the caller": read("/product/1", ("X-Request-Id", "order-42")),
    "named with a space": read("/product/1", ("X-Request-Id", "a b")),
    "the largest id": read("/product/2147483647"),
    "past the largest id": write("DELETE", "/product/2147483648"),
    "replaced by a list": write("PUT", "/product/1", b"[]"),
    "replaced in another type": Request("PUT", "/product/1", [KEY, ("Content-Type", "text/xml")], DETAILS),
    "removed under no id": write("DELETE", "/product/x"),
    "nothing after the last": read("/products?after=2147483647"),
    "an unknown parameter": read("/products?after=1&after=2&before=3"),
}

# For both stores unavailable.
AWAY: dict[str, Request] = {
    "what it is": read("/"),
    "how it is": read("/status"),
    "alive": read("/livez"),
    "ready": read("/readyz"),
    "described": read("/openapi.json"),
    "a product": read("/product/1"),
    "a page": read("/products"),
    "created": write("POST", "/data", TV),
    "replaced": write("PUT", "/product/1", DETAILS),
    "removed": write("DELETE", "/product/1"),
    "every error named": write("POST", "/data", b"{}"),
}


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with listening_daemon() as daemon:
        yield daemon


@pytest.fixture(scope="module")
def environ(module_database_url: str, module_redis_url: str, daemon: Daemon) -> dict[str, str]:
    return {
        "DATABASE_URL": module_database_url,
        "REDIS_URL": module_redis_url,
        "AWS_XRAY_DAEMON_ADDRESS": daemon.address,
    }


@pytest.fixture(scope="module")
def start(sandbox: Sandbox, packaged: Callable[[str], Package], tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Runs the function with the variables of the stage `dev`, and these."""
    folder, numbers = tmp_path_factory.mktemp("output"), itertools.count()

    def start(environ: dict[str, str]) -> AbstractContextManager[Function]:
        return running(sandbox, {**packaged("dev").environ, **environ}, folder / f"function-{next(numbers)}")

    return start


@pytest.fixture(scope="module")
def function(start: Start, environ: dict[str, str]) -> Iterator[Function]:
    with start(environ) as function:
        yield function


@pytest.fixture(scope="module")
def container(environ: dict[str, str]) -> Iterator[ServerClient]:
    with serving({**environ, "API_KEYS": KEY[1]}) as server:
        yield ServerClient(server)


@pytest.fixture
def empty_stores(environ: dict[str, str]) -> Callable[[], None]:
    settings = read_settings(environ)
    login, at = settings.database_credentials, settings.database

    def empty() -> None:
        connection = Connection(
            login.username, host=at.host, port=at.port, password=login.password, database=at.database
        )
        with connection as database, redis.Redis.from_url(settings.redis_url) as cache:
            database.run("TRUNCATE products")
            cache.flushdb()

    return empty


@pytest.mark.parametrize("story", [STORY, MORE], ids=["story", "more"])
def test_lambda_answers_as_the_container_does(
    story: dict[str, Request], function: Function, container: ServerClient, empty_stores: Callable[[], None]
) -> None:
    empty_stores()
    there = play(container, story)
    empty_stores()
    assert play(function, story) == there
    assert all(answer.status < 500 for answer in there.values())


def test_lambda_answers_as_the_container_does_without_stores(start: Start) -> None:
    environ = {
        "DATABASE_URL": f"postgresql://shop:test@127.0.0.1:{free_port()}/shop",
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    with serving({**environ, "API_KEYS": KEY[1]}) as server:
        there = play(ServerClient(server), AWAY)
    with start(environ) as function:
        assert play(function, AWAY) == there
    assert [there[chapter].status for chapter in ("a product", "a page", "created", "replaced", "removed")] == [503] * 5


def test_the_comparison_notices_a_changed_word(
    sandbox: Sandbox, container: ServerClient, environ: dict[str, str], tmp_path: Path
) -> None:
    """A control: one word of one file is changed."""
    altered = Sandbox(altered_copy(sandbox.task, tmp_path / "task"), sandbox.runtime)
    story = {"gone": read("/product/2147483646")}
    with running(altered, environ, tmp_path / "output") as function:
        assert play(function, story) != play(container, story)


def altered_copy(task: Path, folder: Path) -> Path:
    folder.mkdir()
    for top in task.iterdir():
        if top.name != "chalicelib":
            (folder / top.name).symlink_to(top)
    shutil.copytree(task / "chalicelib", folder / "chalicelib", ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "chalicelib" / "web" / "responses.py"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("there is no product", "here is no product"), encoding="utf-8")
    return folder


def test_the_requests_cover_every_route() -> None:
    covered = {(resource_of(list(app.routes), each.path)[0], each.method) for each in [*STORY.values(), *MORE.values()]}
    covered |= {("/metrics", "GET"), ("/metrics", "HEAD")}  # have a test of their own
    assert covered == {(path, method) for path, methods in app.routes.items() for method in methods}


def test_both_have_the_shops_metrics(function: Function, container: ServerClient) -> None:
    here, there = function.get("/metrics"), container.get("/metrics")
    for name in ("content-type", "cache-control"):
        assert (here.status, here.header(name)) == (there.status, there.header(name))
    heads = [each.request("HEAD", "/metrics") for each in (function, container)]
    assert [(head.status, head.header("content-type"), head.body) for head in heads] == [
        (200, there.header("content-type"), b"")
    ] * 2
    assert families(here) - families(there) == set()
    assert {name.partition("_")[0] for name in families(there) - families(here)} == {"http", "log"}  # of the adapter


def families(answer: Response) -> set[str]:
    return set(re.findall(r"^# TYPE (\w+) ", answer.body.decode(), re.MULTILINE))


def test_each_request_writes_one_line_and_nothing_else_is_written(start: Start, environ: dict[str, str]) -> None:
    with start(environ) as function:
        play(function, STORY)
        lines = function.awaited_lines(len(STORY))
    assert [line["http"]["method"] for line in lines] == [request.method for request in STORY.values()]
    assert all(line["service"] == "chalice-app" for line in lines)


def test_requests_to_the_stores_are_in_the_trace(function: Function, daemon: Daemon) -> None:
    root = "1-67891233-abcdef012345678912345678"
    function.invoke(read("/products"), trace=f"Root={root};Parent=53995c3f42cd8ad8;Sampled=1")
    segment = daemon.receive(root)
    assert (segment["name"], segment["type"], segment["parent_id"]) == ("PostgreSQL", "subsegment", "53995c3f42cd8ad8")


def test_credentials_come_from_secrets_manager_through_the_boto3_that_lambda_brings(
    start: Start, environ: dict[str, str]
) -> None:
    with (
        serving_secrets_manager() as secrets,
        start({**environ, **secrets.environ_for(environ["DATABASE_URL"])}) as function,
    ):
        assert function.get("/products").status == 200


def test_tokens_are_signed_by_the_botocore_that_lambda_brings(
    start: Start, environ: dict[str, str], tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    with rds_before(*database_at(environ["DATABASE_URL"]), "eu-west-1", authority.server("localhost")) as rds:
        login = {
            "DATABASE_URL": f"postgresql://shop_service@localhost:{rds.port}/shop?sslrootcert={authority.file}"
            "&sslmode=verify-full",
            "DATABASE_IAM_AUTH": "true",
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        }
        with start({**environ, **login}) as function:
            assert wait_until(lambda: function.get("/products").status == 200, 30)
        assert {login.user for login in rds.logins} == {"shop_service"}
        assert rds.refusals == []
