"""What `dockerfile` writes for a project that `chalice new-project` made: an image that is built, asked and ended."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fargate.settings import Server
from local.ports import LOOPBACK, free_port
from tests.fixtures.servers import passed_on
from tests.fixtures.tools import beside, required_tools
from tests.image.compose import compose_plugin
from tests.image.containers import Container, started
from tests.image.engine import Engine
from tests.image.generated.conftest import write

pytestmark = [pytest.mark.infra, pytest.mark.timeout(1200)]

MEGABYTE = 1_000_000
SECRET = 'hunter2 "$HOME" ü'

ADDED = """

import os

import greetings


@app.route("/greeting")
def greeting():
    with open("/tmp/written", "w") as file:
        file.write("as on Lambda, /tmp can be written to")
    return {"vendored": greetings.HELLO, "secret": os.environ["SECRET"], "boto3": __import__("boto3").__name__}
"""

FILES = "import json, os; print(json.dumps(sorted(os.path.join(at, f) for at, _, fs in os.walk('/app') for f in fs)))"


@pytest.fixture(scope="module")
def project(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project with a vendored package and a variable, and the files that the command writes for it."""
    folder = tmp_path_factory.mktemp("projects")
    command = [beside(sys.executable, "chalice", "make setup does that"), "new-project", "mine"]
    subprocess.run([*command, "--project-type", "rest-api"], cwd=folder, env=passed_on(), check=True, timeout=60)
    mine = folder / "mine"
    (mine / "app.py").write_text((mine / "app.py").read_text() + ADDED)
    (mine / "vendor" / "greetings").mkdir(parents=True)
    (mine / "vendor" / "greetings" / "__init__.py").write_text("HELLO = 'hello'\n")
    (mine / ".chalice" / "config.json").write_text(
        json.dumps({"app_name": "mine", "stages": {"dev": {"environment_variables": {"SECRET": SECRET}}}})
    )
    write(mine, "--server", "uvicorn", "--wheel", wheel)
    return mine


@pytest.fixture(scope="module")
def image(engine: Engine, python_base: str, project: Path) -> str:
    """The image of the project."""
    return engine.build("generated:test", project / "Dockerfile", project, {"BASE": python_base})


@pytest.fixture(scope="module")
def container(engine: Engine, image: str) -> Iterator[Container]:
    """The project in its container."""
    with started(engine, image, {"SECRET": SECRET}, options=("--init", "--tmpfs=/tmp")) as container:
        container.await_answers()
        yield container


@pytest.mark.parametrize("server", list(Server))
def test_hadolint_finds_nothing(server: Server, project: Path, wheel: Path, tmp_path: Path) -> None:
    (tmp_path / ".chalice").mkdir()
    (tmp_path / ".chalice" / "config.json").write_text("{}")
    (tmp_path / "app.py").touch()
    (tmp_path / "requirements.txt").write_text("six==1.16.0 --hash=sha256:00\n" if server is Server.GRANIAN else "six")
    write(tmp_path, "--server", server)
    hadolint = beside(sys.executable, "hadolint", "make test-infra does that")
    for file in (project / "Dockerfile", tmp_path / "Dockerfile"):
        done = subprocess.run([hadolint, file], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout) == (0, "")


def test_the_app_answers_and_finds_what_it_has_on_lambda(container: Container) -> None:
    with container.client() as client:
        assert client.get("/").json() == {"hello": "world"}
        assert client.get("/greeting").json() == {"vendored": "hello", "secret": SECRET, "boto3": "boto3"}
    assert "with uvicorn" in container.log()


def test_it_becomes_healthy_runs_without_root_and_ends_with_0(container: Container) -> None:
    container.await_health("healthy")
    assert container.run("id", "-u") == "10001"
    assert container.stop() == 0


def test_no_variable_and_no_installer_is_in_the_image(engine: Engine, image: str) -> None:
    assert "hunter2" not in json.dumps(engine.image(image)) + engine.docker("history", "--no-trunc", image)
    files: list[str] = json.loads(engine.once(image, "python", "-c", FILES))
    assert {file for file in files if not file.endswith(".pyc")} == {
        "/app/app.py",
        "/app/chalicelib/__init__.py",
        "/app/vendor/greetings/__init__.py",
    }
    assert [file for file in files if file.endswith(".pyc")]
    assert engine.attempt("run", "--rm", "--network=host", image, "python", "-m", "pip").returncode != 0


def test_compose_starts_it_with_the_variables_of_the_stage(
    engine: Engine, image: str, project: Path, python_base: str
) -> None:
    with required_tools():
        plugin = compose_plugin(engine, python_base)
    port = free_port()
    environ = {**engine.environ(), "PORT": str(port), "AWS_DEFAULT_REGION": "eu-west-1"}

    def compose(*words: str) -> str:
        command = [plugin, "--project-name", "tests-of-generated", *words]
        done = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    services: dict[str, Any] = json.loads(compose("--profile", "*", "config", "--format", "json"))["services"]
    for service in services.values():
        assert service["environment"]["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert [name for name, service in services.items() if service.get("ports")] == ["app"]
    assert [name for name, service in services.items() if service.get("healthcheck")] == ["poll", "schedule"]
    engine.docker("tag", image, "tests-of-generated-app")
    try:
        compose("up", "--detach", "--wait", "--no-build", "--pull", "never")
        assert httpx.get(f"http://{LOOPBACK}:{port}/greeting", timeout=30).json()["secret"] == SECRET
        answer = compose(
            "run", "--rm", "app", "chalice-fargate", "invoke", "api_handler", "--app", "app:app", "--sample"
        )
        assert json.loads(answer)["body"] == '{"hello":"world"}'
    finally:
        compose("down", "--timeout", "40")


def test_it_is_small(engine: Engine, image: str, python_base: str) -> None:
    size = engine.image(image)["Size"] - engine.image(python_base)["Size"]
    assert 0 < size < 120 * MEGABYTE
