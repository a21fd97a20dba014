"""The shop's container: as an unprivileged user, with a read-only root file system, over real stores."""

import os
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from fargate.settings import Server as Kind
from local.waiting import wait_until
from tests.fixtures.certificates import Authority
from tests.fixtures.wire import proxied
from tests.image.conftest import REVISION
from tests.image.containers import READY_SECONDS, Container, shop_environ, started
from tests.image.engine import Engine
from tests.image.truststore import Truststore

pytestmark = [pytest.mark.infra, pytest.mark.timeout(1200)]

TV = {"id": 1, "name": "Samsung TV", "price": 140}
CLIENTS = 12


def migrate(engine: Engine, image: str, database_url: str) -> str:
    """Migrate as the pipeline does, with another command than the image's own."""
    return engine.once(image, "python", "-m", "chalicelib.migrate", DATABASE_URL=database_url)


def test_it_serves_a_product_from_real_stores(shop: Container) -> None:
    with shop.client() as client:
        created = client.post("/data", json=TV)
        assert (created.status_code, created.headers["location"]) == (201, "/product/1")
        reads = [client.get("/product/1") for _ in range(2)]
        assert [read.json() for read in reads] == [TV, TV]
        assert reads[-1].headers["x-cache"] == "hit"
        assert client.get("/status").json()["status"] == "Healthy"
        assert f'revision="{REVISION}"' in client.get("/metrics").text


def test_a_write_without_a_key_is_refused(shop: Container) -> None:
    assert httpx.post(f"{shop.url}/data", json=TV).status_code == 403


def test_it_runs_as_an_unprivileged_user_and_can_write_no_file(shop: Container) -> None:
    assert (
        shop.run("python", "-c", "import os; print(os.getuid(), os.getgid(), os.getgroups())") == "10001 10001 [10001]"
    )
    status = shop.run("python", "-c", "print(open('/proc/1/status').read())")
    assert "Uid:\t10001\t10001\t10001\t10001" in status
    assert "CapEff:\t0000000000000000" in status
    for place in ("/app", "/tmp", "/venv"):
        done = shop.engine.attempt("exec", shop.id, "python", "-c", f"open('{place}/x', 'w')")
        assert "Read-only file system" in done.stderr or "Permission denied" in done.stderr
        assert done.returncode == 1


def test_its_health_check_says_healthy(shop: Container) -> None:
    shop.await_health("healthy")
    last = shop.state()["Health"]["Log"][-1]
    assert (last["ExitCode"], last["Output"]) == (0, "")


def test_its_health_check_notices_a_server_that_is_stuck(
    engine: Engine, shop_image: str, database_url: str, redis_url: str
) -> None:
    with started(engine, shop_image, shop_environ(database_url, redis_url), options=()) as container:
        container.await_health("healthy")
        os.kill(container.state()["Pid"], signal.SIGSTOP)
        container.await_health("unhealthy")


@pytest.mark.parametrize("kind", list(Kind))
def test_it_has_every_server_that_may_be_deployed(
    kind: Kind, engine: Engine, shop_image: str, database_url: str, redis_url: str
) -> None:
    with started(engine, shop_image, shop_environ(database_url, redis_url, SERVER=kind)) as container:
        container.await_answers()
        with container.client() as client:
            assert client.post("/data", json=TV).status_code == 201
        assert container.stop() == 0
        assert f"with {kind}," in container.log()


@pytest.mark.parametrize("init", [("--init",), ()], ids=["as on Fargate", "as process 1"])
def test_it_is_stopped_under_load_and_loses_nothing(
    init: tuple[str, ...], engine: Engine, shop_image: str, database_url: str, redis_url: str
) -> None:
    """Accepted requests are answered. Later connections are refused, so that clients may retry them elsewhere."""
    answered: Counter[int] = Counter()
    acknowledged: list[int] = []
    lost: list[Exception] = []
    lock = threading.Lock()

    def shopper(number: int) -> None:
        turn = 0
        with container.client() as client:
            while True:
                turn += 1
                id = number * 1_000_000 + turn
                writes = turn % 4 == 0
                try:
                    answer = client.post("/data", json={**TV, "id": id}) if writes else client.get("/product/1")
                except httpx.ConnectError:
                    return
                except httpx.HTTPError as error:
                    lost.append(error)
                    return
                with lock:
                    answered[answer.status_code] += 1
                    if writes:
                        acknowledged.append(id)

    with started(engine, shop_image, shop_environ(database_url, redis_url), options=init) as container:
        container.await_answers()
        with container.client() as client:
            assert client.post("/data", json=TV).status_code == 201
        with ThreadPoolExecutor(CLIENTS) as pool:
            shoppers = [pool.submit(shopper, number + 1) for number in range(CLIENTS)]
            busy = wait_until(lambda: answered.total() >= 1000 or bool(lost), READY_SECONDS)
            before = answered.total()
            status = container.stop()
            for each in shoppers:
                each.result(timeout=30)
    assert busy
    assert status == 0
    assert not lost
    assert set(answered) == {200, 201}
    assert answered.total() > before
    assert answered[201] == len(acknowledged)
    assert stored(engine, shop_image, database_url, redis_url, acknowledged) == set(acknowledged)


def stored(engine: Engine, image: str, database_url: str, redis_url: str, ids: list[int]) -> set[int]:
    """Return those of the products that another container finds."""
    with started(engine, image, shop_environ(database_url, redis_url)) as container:
        container.await_answers()
        with container.client() as client:
            return {id for id in ids if client.get(f"/product/{id}").status_code == 200}


def test_migrations_run_in_it(engine: Engine, shop_image: str, empty_database_url: str, redis_url: str) -> None:
    assert "Migrated: " in migrate(engine, shop_image, empty_database_url)
    assert migrate(engine, shop_image, empty_database_url) == "The database is up to date."
    with started(engine, shop_image, shop_environ(empty_database_url, redis_url)) as container:
        container.await_answers()
        with container.client() as client:
            assert client.post("/data", json=TV).status_code == 201


def test_a_migration_that_fails_says_so(engine: Engine, shop_image: str) -> None:
    """Then the pipeline stops before the roll-out."""
    command = ("python", "-m", "chalicelib.migrate")
    nowhere = "DATABASE_URL=postgresql://shop:shop@127.0.0.1:1/shop"
    done = engine.attempt("run", "--rm", "--network=host", "--env", nowhere, shop_image, *command)
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr


def test_it_needs_no_shell(engine: Engine, without_shell: str, empty_database_url: str, redis_url: str) -> None:
    assert engine.attempt("run", "--rm", "--network=host", without_shell, "sh", "-c", "true").returncode == 127
    migrate(engine, without_shell, empty_database_url)
    with started(engine, without_shell, shop_environ(empty_database_url, redis_url)) as container:
        container.await_health("healthy")
        with container.client() as client:
            assert client.post("/data", json=TV).status_code == 201
        assert container.stop() == 0


def test_bad_settings_end_it_at_once_with_every_fault(engine: Engine, shop_image: str) -> None:
    settings = ("--env", "PORT=many", "--env", "CACHE_TTL_SECONDS=-1")
    done = engine.attempt("run", "--rm", "--network=host", *settings, shop_image)
    assert done.returncode == 2
    for fault in ("PORT is 'many'", "CACHE_TTL_SECONDS is -1", "DATABASE_URL is not set", "REDIS_URL is not set"):
        assert fault in done.stderr


def test_it_verifies_the_database_by_the_bundle_that_was_built_in(
    engine: Engine, shop_image: str, truststore: Truststore, database_url: str, redis_url: str
) -> None:
    """As on AWS: `sslmode=verify-full` and the path that Terraform sets."""
    options = "sslmode=verify-full&sslrootcert=/app/certs/rds-global-bundle.pem"
    with proxied(database_url, truststore.authority.server("localhost")) as proxy:
        url = f"{proxy.in_front_of(database_url, 'localhost')}?{options}"
        with started(engine, shop_image, shop_environ(url, redis_url)) as container:
            container.await_answers()
            with container.client() as client:
                assert client.post("/data", json=TV).status_code == 201


def test_it_speaks_to_no_database_that_another_authority_vouches_for(
    engine: Engine, shop_image: str, tmp_path_factory: pytest.TempPathFactory, database_url: str
) -> None:
    options = "sslmode=verify-full&sslrootcert=/app/certs/rds-global-bundle.pem"
    stranger = Authority(tmp_path_factory.mktemp("stranger"))
    with proxied(database_url, stranger.server("localhost")) as proxy:
        url = f"{proxy.in_front_of(database_url, 'localhost')}?{options}"
        command = ("python", "-m", "chalicelib.migrate")
        done = engine.attempt("run", "--rm", "--network=host", "--env", f"DATABASE_URL={url}", shop_image, *command)
    assert done.returncode == 1
    assert "certificate verify failed" in done.stderr.lower()
