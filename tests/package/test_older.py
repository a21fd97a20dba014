"""What is older than the metadata say is refused by name: real releases, before the environment's own on the path."""

from pathlib import Path

import pytest

from fargate.requirements import installed_versions, is_older
from tests.package.environments import Environment, install

OLDER = ("aws-lambda-powertools==2.38.0", "chalice==1.20.0", "prometheus-client==0.17.1")
"""With the first, every request is a 502; with each of the others, an import fails."""

REFUSED = """\
aws-lambda-powertools is 2.38.0; 3.3.0 or newer is needed: pip install "aws-lambda-powertools[tracer]>=3.3.0"
chalice is 1.20.0; 1.21.0 or newer is needed: pip install "chalice>=1.21.0"
prometheus-client is 0.17.1; 0.18.0 or newer is needed: pip install "prometheus-client>=0.18.0"
"""

ENTRIES = ("fargate.asgi", "fargate.telemetry.telemetry", "fargate.wsgi")
"""What a user of the package imports for a server of their own."""

IMPORT = """
import importlib, sys
from fargate.errors import ConfigurationError
for entry in sys.argv[1:]:
    try:
        importlib.import_module(entry)
    except ConfigurationError as error:
        print(error)
"""


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the older releases."""
    return beside(tmp_path_factory.mktemp("older"), *OLDER)


def beside(folder: Path, *releases: str) -> Path:
    """Install releases, without what they need, into a folder for PYTHONPATH."""
    install(releases, "--no-deps", "--target", folder)
    return folder


def test_the_start_refuses_them_before_it_imports_the_app(older: Path, plain: Environment, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print('imported')", encoding="utf-8")
    ended = plain.run("chalice-fargate", at=tmp_path, PYTHONPATH=str(older))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"Cannot start:\n{REFUSED}"


def test_the_entry_points_for_servers_raise_the_same(older: Path, plain: Environment, tmp_path: Path) -> None:
    ended = plain.run("python", "-W", "ignore", "-c", IMPORT, *ENTRIES, at=tmp_path, PYTHONPATH=str(older))
    assert ended.stdout == len(ENTRIES) * REFUSED, ended.stderr


def test_an_older_server_is_refused_only_where_it_is_chosen(
    complete: Environment, project: Path, tmp_path: Path
) -> None:
    path = str(beside(tmp_path, "uvicorn==0.20.0"))
    chosen = complete.run("chalice-fargate", "nowhere:app", at=project, SERVER="uvicorn", PYTHONPATH=path)
    another = complete.run("chalice-fargate", "nowhere:app", at=project, PYTHONPATH=path)
    assert "\nSERVER is uvicorn, but uvicorn is 0.20.0; " in chosen.stderr
    assert another.stderr.startswith("Cannot start:\nThere is no module 'nowhere'")


def test_uvicorn_without_its_parsers_names_the_parsers_and_the_extra(
    plain: Environment, project: Path, tmp_path: Path
) -> None:
    alone = beside(tmp_path, "uvicorn")
    ended = plain.run("chalice-fargate", at=project, SERVER="uvicorn", PYTHONPATH=str(alone))
    expected = 'SERVER is uvicorn, but httptools and wsproto are not installed: pip install "chalice-fargate[uvicorn]"'
    assert (ended.returncode, ended.stderr) == (2, f"Cannot start:\n{expected}\n")


@pytest.mark.parametrize(
    ("folder", "name", "version"),
    [
        ("PyJWT-2.15.1.dist-info", "pyjwt", "2.15.1"),
        ("prometheus_client-0.26.0.dist-info", "prometheus-client", "0.26.0"),
        ("uvicorn-0.27.0.post1-py3.11.egg-info", "uvicorn", "0.27.0.post1"),
    ],
)
def test_versions_are_read_from_the_names_of_folders(
    folder: str, name: str, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / folder).mkdir()
    monkeypatch.setattr("sys.path", [str(tmp_path), str(tmp_path / "archive.zip")])
    assert installed_versions() == {name: version}


@pytest.mark.parametrize(
    ("version", "least", "older"),
    [
        ("2.38.0", "3.3.0", True),
        ("3.3", "3.3.0", False),
        ("3.10.0", "3.3.0", False),
        ("0.27.0.post1", "0.27.0", False),
        ("1.0rc1", "0.9", False),
        ("unknown", "0.9", False),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, least: str, older: bool) -> None:
    assert is_older(version, least) is older
