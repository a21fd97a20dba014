"""The shop's image: its files and its labels."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fargate import __version__
from tests.image.conftest import REVISION
from tests.image.engine import DockerError, Engine
from tests.image.stand_ins import ROOT
from tests.image.truststore import Truststore

pytestmark = [pytest.mark.infra, pytest.mark.timeout(1200)]

MEGABYTE = 1_000_000
ROOM = 200 * MEGABYTE
"""The most bytes that the image may add to its base, unpacked."""

SOURCES = {"app.py", "chalicelib"}
LISTING = "import json, os; print(json.dumps([os.path.join(at, f) for at, _, files in os.walk({!r}) for f in files]))"
FORBIDDEN = "import sys; sys.exit(sum(__import__('importlib.util').util.find_spec(name) is not None for name in {!r}))"
WRITABLE = """
import os
print([path for at, folders, files in os.walk("/") if not at.startswith(("/proc", "/sys", "/dev"))
       for name in [*folders, *files] for path in [os.path.join(at, name)]
       if not os.path.islink(path) and os.access(path, os.W_OK)])
"""


def files_in(engine: Engine, image: str, folder: str) -> list[str]:
    """Return the path of every file below a folder of an image."""
    found: list[str] = json.loads(engine.once(image, "python", "-c", LISTING.format(folder)))
    return found


def test_it_is_run_as_the_task_definition_says(engine: Engine, shop_image: str) -> None:
    config = engine.image(shop_image)["Config"]
    assert config["User"] == "10001:10001"
    assert config["WorkingDir"] == "/app"
    assert list(config["ExposedPorts"]) == ["3000/tcp"]
    assert config["Cmd"] == ["python", "-m", "fargate"]
    assert not config["Entrypoint"]
    assert config["Healthcheck"]["Test"] == ["CMD", "python", "-m", "fargate.probe"]
    assert not config.get("Volumes")


def test_its_labels_and_its_environment_describe_it(engine: Engine, shop_image: str, python_base: str) -> None:
    config = engine.image(shop_image)["Config"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["title"] == "chalice-app"
    assert labels["revision"] == REVISION
    assert labels["base.name"] == python_base
    assert f"REVISION={REVISION}" in config["Env"]


def test_it_takes_well_under_200_mb_on_top_of_its_base(
    engine: Engine, shop_image: str, python_base: str, record_property: Callable[[str, object], None]
) -> None:
    size = engine.image(shop_image)["Size"] - engine.image(python_base)["Size"]
    record_property("megabytes", size / MEGABYTE)
    assert 0 < size < 0.75 * ROOM


def test_its_layers_above_the_base_are_few(engine: Engine, shop_image: str, python_base: str) -> None:
    layers = [len(engine.image(image)["RootFS"]["Layers"]) for image in (shop_image, python_base)]
    assert layers[0] - layers[1] <= 4


def test_it_contains_only_the_code_that_runs(engine: Engine, shop_image: str) -> None:
    paths = [path.removeprefix("/app/") for path in files_in(engine, shop_image, "/app")]
    assert {path.split("/")[0] for path in paths} == {*SOURCES, "certs", "__pycache__"}
    kinds = {path.rpartition(".")[2] for path in paths}
    assert kinds == {"py", "pyc", "json", "pem"}


def test_nothing_else_is_even_sent_to_the_engine(engine: Engine, python_base: str) -> None:
    image = engine.derive("context:test", f"FROM {python_base}", "COPY . /context", context=ROOT)
    paths = [path.removeprefix("/context/") for path in files_in(engine, image, "/context")]
    locks = {f"requirements{part}.txt" for part in ("", "-dist", "-granian", "-uvicorn")}
    assert {path.split("/")[0] for path in paths} == SOURCES | {"fargate"} | locks
    unused = [path for path in paths if "__pycache__" in path or path.endswith((".pyc", ".md", "Dockerfile"))]
    assert unused == ["fargate/README.md"]


def test_every_module_is_there_compiled(engine: Engine, shop_image: str) -> None:
    """The file system is read-only, so every start would compile again what is not compiled."""
    command = ["python", "-v", "-c", "import app, fargate.commands.serve"]
    done = engine.attempt("run", "--rm", "--network=host", shop_image, *command)
    loaded = [line for line in done.stderr.splitlines() if line.startswith("# code object from ")]
    assert len(loaded) > 100
    for folder in ("/app/chalicelib/", "/site-packages/fargate/"):
        assert [line for line in loaded if folder in line]
    assert not [line for line in loaded if ".pyc" not in line]


def test_it_contains_no_installer(engine: Engine, shop_image: str) -> None:
    names = ["pip", "setuptools", "wheel", "ensurepip", "distutils"]
    engine.once(shop_image, "python", "-c", FORBIDDEN.format(names))
    for name in ("pip", "pip3", "gcc", "cc", "make"):
        assert engine.attempt("run", "--rm", "--network=host", "--entrypoint", name, shop_image).returncode != 0, name


def test_the_adapter_is_the_installed_package(engine: Engine, shop_image: str) -> None:
    program = "import fargate, importlib.metadata as m; print(fargate.__file__, m.version('chalice-fargate'))"
    file, version = engine.once(shop_image, "python", "-c", program).split()
    assert file.startswith("/venv/lib/")
    assert version == __version__


def test_no_compiler_or_test_is_in_it(engine: Engine, shop_image: str) -> None:
    installed = engine.once(
        shop_image, "python", "-c", "from importlib.metadata import distributions as d; print(*(x.name for x in d()))"
    )
    names = {name.lower() for name in installed.split()}
    assert names >= {"chalice", "waitress", "granian", "uvicorn", "pg8000", "hiredis"}
    assert not names & {"redis", "pytest", "mypy", "ruff", "moto", "hypothesis", "pip", "setuptools", "wheel"}


def test_any_user_can_write_only_to_temporary_folders(engine: Engine, shop_image: str) -> None:
    """Even without the read-only root file system."""
    writable = engine.docker("run", "--rm", "--network=host", shop_image, "python", "-c", WRITABLE)
    places = json.loads(writable.replace("'", '"'))
    assert set(places) <= {"/tmp", "/var/tmp", "/run/lock", "/var/lock"}


def test_the_cas_of_the_databases_are_where_the_setting_looks_for_them(
    engine: Engine, shop_image: str, truststore: Truststore
) -> None:
    path = "/app/certs/rds-global-bundle.pem"
    assert path in (ROOT / "terraform" / "database_login.tf").read_text()
    bundle = engine.once(shop_image, "python", "-c", f"print(open({path!r}).read(), end='')")
    assert bundle == truststore.authority.file.read_text().strip()


def test_a_bundle_that_holds_no_certificate_stops_the_build(
    engine: Engine, shop_arguments: dict[str, str], truststore: Truststore
) -> None:
    arguments = {**shop_arguments, "RDS_CA_BUNDLE": truststore.apology}
    with pytest.raises(DockerError, match=r"NO_CERTIFICATE_OR_CRL_FOUND|no certificate or crl found"):
        engine.build("shop:refused", ROOT / "fargate" / "Dockerfile", ROOT, arguments)


def test_a_requirement_that_is_not_the_one_of_the_lock_stops_the_build(
    engine: Engine, shop_arguments: dict[str, str], tmp_path: Path
) -> None:
    for name in ("app.py", "requirements-dist.txt", "requirements-granian.txt", "requirements-uvicorn.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("chalicelib", "fargate"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "requirements.txt").write_text(f"waitress==3.0.2 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(DockerError, match="DO NOT MATCH THE HASHES"):
        engine.build("shop:refused", ROOT / "fargate" / "Dockerfile", tmp_path, shop_arguments)
