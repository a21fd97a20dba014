"""Both images, built once as the pipeline builds them, on the tests' engine."""

from collections.abc import Iterator

import pytest

from tests.fixtures.tools import required_tools
from tests.image.containers import Container, shop_environ, started
from tests.image.engine import Engine, running_engine
from tests.image.stand_ins import ALERTMANAGER, PROMETHEUS, PYTHON, ROOT, StandIn
from tests.image.truststore import Truststore, serving_truststore

REVISION = "c0ffee5"


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A Docker engine."""
    with required_tools(), running_engine() as engine:
        yield engine


@pytest.fixture(scope="session")
def python_base(engine: Engine) -> str:
    """The base of both images."""
    return base(engine, PYTHON)


@pytest.fixture(scope="session")
def prometheus_arguments(engine: Engine, python_base: str) -> dict[str, str]:
    """The build arguments of Prometheus' image."""
    programs = {"PROMETHEUS": base(engine, PROMETHEUS), "ALERTMANAGER": base(engine, ALERTMANAGER)}
    return {"BASE": python_base, "REVISION": REVISION, **programs}


@pytest.fixture(scope="session")
def truststore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Truststore]:
    """A server of the databases' CAs, in Amazon's place."""
    with serving_truststore(tmp_path_factory.mktemp("truststore")) as truststore:
        yield truststore


@pytest.fixture(scope="session")
def shop_arguments(python_base: str, truststore: Truststore) -> dict[str, str]:
    """The build arguments of the shop's image."""
    return {"BASE": python_base, "REVISION": REVISION, "RDS_CA_BUNDLE": truststore.url}


@pytest.fixture(scope="session")
def shop_image(engine: Engine, shop_arguments: dict[str, str]) -> str:
    """The shop's image."""
    return engine.build("shop:test", ROOT / "fargate" / "Dockerfile", ROOT, shop_arguments)


@pytest.fixture(scope="session")
def prometheus_image(engine: Engine, prometheus_arguments: dict[str, str]) -> str:
    """Prometheus' image."""
    folder = ROOT / "prometheus"
    return engine.build("prometheus:test", folder / "Dockerfile", folder, prometheus_arguments)


@pytest.fixture(scope="session")
def without_shell(engine: Engine, shop_image: str) -> str:
    """The shop's image without a shell."""
    return engine.derive(
        "shop:no-shell",
        f"FROM {shop_image}",
        "USER 0",
        # In one process: without a shell a second one cannot be started.
        'RUN ["rm", "-f", "/bin/sh", "/bin/dash", "/bin/bash", "/bin/rbash"]',
        "USER 10001:10001",
    )


@pytest.fixture
def shop(engine: Engine, shop_image: str, database_url: str, redis_url: str) -> Iterator[Container]:
    """The shop in its container, in front of real stores on this machine."""
    with started(engine, shop_image, shop_environ(database_url, redis_url)) as container:
        container.await_answers()
        yield container


def base(engine: Engine, stand_in: StandIn) -> str:
    """Return a base image, or skip the test."""
    with required_tools():
        return engine.base(stand_in)
