"""`dockerfile` writes three files for the project it stands in, and never over what is there unless it is told to."""

import contextlib
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from fargate import __version__
from fargate.commands import dockerfile
from fargate.lifecycle import Lifecycle
from fargate.settings import PARSERS, Server
from tests.fixtures.servers import ROOT

FILES = ("Dockerfile", ".dockerignore", "compose.yaml")
PROJECTS = sorted(path.parents[1] for path in (ROOT / "tests" / "apps" / "projects").glob("*/.chalice/config.json"))
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small Chalice project."""
    (tmp_path / "app.py").write_text("raise SystemExit('the app is not imported')\n")
    (tmp_path / ".chalice").mkdir()
    configure(tmp_path, "{}")
    return tmp_path


def configure(project: Path, configuration: str) -> None:
    (project / ".chalice" / "config.json").write_text(configuration)


def write(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Call the command in the project's folder, in this process: it imports no app."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(project), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = dockerfile.main(arguments, {}, Lifecycle())
        except SystemExit as ended:  # of argparse
            status = int(ended.code or 0)
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())


def written(project: Path, *arguments: str) -> dict[str, str]:
    """Write the files; return their text."""
    done = write(project, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return {name: (project / name).read_text(encoding="utf-8") for name in FILES}


def installs(text: str) -> list[str]:
    """Return what each `pip install` of a Dockerfile installs."""
    joined = text.replace("\\\n", " ")
    return [" ".join(each.split()) for each in re.findall(r"install --no-cache-dir \S+ ([^&]+?) &&", joined)]


def app_of(compose: str) -> dict[str, Any]:
    """Return the server's service of a compose file."""
    service: dict[str, Any] = yaml.safe_load(compose)["services"]["app"]
    return service


def test_it_says_what_it_wrote_and_what_to_run_next(project: Path) -> None:
    done = write(project)
    assert done.returncode == 0
    assert done.stdout == (
        "Written: Dockerfile, .dockerignore, compose.yaml\n"
        f"They serve app:app with waitress on Python {PYTHON}.\n"
        "Next: docker compose up --build --wait && curl http://localhost:3000/readyz\n"
    )


@pytest.mark.parametrize("there", [*FILES, "docker-compose.yml"])
def test_nothing_is_written_if_one_of_the_files_is_there(project: Path, there: str) -> None:
    (project / there).write_text("mine")
    before = sorted(project.iterdir())
    done = write(project)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Nothing is written. There already: {there}. --force overwrites\n"
    assert sorted(project.iterdir()) == before
    assert (project / there).read_text() == "mine"


def test_force_overwrites(project: Path) -> None:
    for name in FILES:
        (project / name).write_text("mine")
    assert all("mine" not in text for text in written(project, "--force").values())


def test_a_folder_without_a_project_is_refused_and_told_where_one_is(tmp_path: Path) -> None:
    (tmp_path / "runtime" / ".chalice").mkdir(parents=True)
    configure(tmp_path / "runtime", "{}")
    done = write(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Cannot write:\nThere is no Chalice project in {tmp_path} (no .chalice/config.json); "
        "there is one in runtime/\n"
    )


@pytest.mark.parametrize(
    ("arguments", "configuration", "said"),
    [
        (["--app", "shop.main:app"], "{}", "There is no shop.py or shop/ in "),
        (["--stage", "beta"], "{}", "has no stage 'beta'"),
        ([], '{"environment_variables": {"DRAIN_SECONDS": "soon"}}', "DRAIN_SECONDS is 'soon', not a whole number"),
        ([], "{", "line 1"),
        (["--server", "apache"], "{}", "invalid choice: 'apache'"),
        (["--python", "3.9"], "{}", "'3.9' is not 3.11 or newer"),
        (["--wheel", "app.py"], "{}", "'app.py' is not a wheel of chalice-fargate"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    project: Path, arguments: list[str], configuration: str, said: str
) -> None:
    configure(project, configuration)
    done = write(project, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not [name for name in FILES if (project / name).exists()]


@pytest.mark.parametrize(
    ("server", "extras"), [("waitress", "secrets"), ("uvicorn", "secrets,uvicorn"), ("granian", "granian,secrets")]
)
def test_the_chosen_server_is_installed_and_served_with(project: Path, server: str, extras: str) -> None:
    text = written(project, "--server", server, "--python", "3.13")["Dockerfile"]
    assert installs(text) == [f'"chalice-fargate[{extras}]=={__version__}"']
    assert f" SERVER={server}\n" in text
    assert "ARG BASE=python:3.13-slim\n" in text


def test_every_server_can_be_chosen(tmp_path: Path) -> None:
    assert f"--server {{{','.join(Server)}}}" in write(tmp_path, "--help").stdout


def test_the_stage_chooses_the_server_the_extras_and_the_time_to_stop(project: Path) -> None:
    configure(
        project,
        '{"stages": {"prod": {"environment_variables": {"SERVER": "uvicorn", "COGNITO_JWKS": "aws",'
        ' "DRAIN_SECONDS": "60", "DRAIN_ACCEPT_SECONDS": "5", "API_KEYS_SECRET_ARN": "arn:x"}}}}',
    )
    files = written(project, "--stage", "prod")
    assert installs(files["Dockerfile"]) == [f'"chalice-fargate[cognito,secrets,uvicorn]=={__version__}"']
    service = app_of(files["compose.yaml"])
    assert service["stop_grace_period"] == "75s"
    assert service["environment"][0] == "CHALICE_STAGE=prod"  # which the image, without a configuration, cannot know


@pytest.mark.parametrize("variable", [name.upper() for name in PARSERS if name.endswith("_redis_url")])
def test_redis_is_installed_where_a_variable_of_the_stage_needs_it(project: Path, variable: str) -> None:
    configure(project, json.dumps({"environment_variables": {variable: "redis://host"}}))
    assert installs(written(project)["Dockerfile"]) == [f'"chalice-fargate[redis,secrets]=={__version__}"']


def test_an_extra_can_be_asked_for(project: Path) -> None:
    text = written(project, "--extra", "redis", "--extra", "cognito")["Dockerfile"]
    assert installs(text) == [f'"chalice-fargate[cognito,redis,secrets]=={__version__}"']


@pytest.mark.parametrize("name", ["poll", "schedule"])
def test_the_other_commands_are_services_that_start_only_by_name(project: Path, name: str) -> None:
    """The image's health check would find them unhealthy: no port answers."""
    services = yaml.safe_load(written(project, "--app", "app:application")["compose.yaml"])["services"]
    assert services[name] == services["app"] | {
        "command": ["chalice-fargate", name, "app:application"],
        "profiles": [name],
        "ports": [],
        "healthcheck": {"disable": True},
    }
    assert "profiles" not in services["app"]


def test_settings_of_the_container_come_from_the_shell_unless_the_stage_has_them(project: Path) -> None:
    configure(project, json.dumps({"environment_variables": {"POLL_QUEUES": "read_news=news"}}))
    listed = app_of(written(project)["compose.yaml"])["environment"]
    assert {"AWS_REGION", "SCHEDULE_REDIS_URL", "WEBSOCKET_ACCESS_KEYS", "WEBSOCKET_REDIS_URL"} < set(listed)
    assert [each for each in listed if each.startswith("POLL_QUEUES")] == ["POLL_QUEUES=read_news=news"]


def test_the_variables_are_in_the_compose_file_alone(project: Path) -> None:
    """A layer of an image can be read by everyone who can pull it."""
    value = 'a "quoted" $HOME ${X} \\ ü\n#: {} \x7f\x85\u2028\ufeff😀'
    configure(project, json.dumps({"environment_variables": {"SECRET": value, "HOST": "db"}}))
    files = written(project)
    listed = app_of(files["compose.yaml"])["environment"]
    assert [each for each in listed if "=" in each] == ["SECRET=" + value.replace("$", "$$")]
    assert "Left out: HOST" in files["compose.yaml"]
    assert "quoted" not in files["Dockerfile"] + files[".dockerignore"]
    assert ".chalice" not in files[".dockerignore"]
    assert not re.search(r"^(COPY|ADD) .*(\.chalice| \. )", files["Dockerfile"], re.MULTILINE)


def test_vendored_packages_and_an_app_in_a_package_are_copied(project: Path) -> None:
    for name in ("shop", "chalicelib", "vendor"):
        (project / name).mkdir()
    files = written(project, "--app", "shop.main:application")
    assert re.findall(r"^COPY (\S+) \1$", files["Dockerfile"], re.MULTILINE) == ["shop", "chalicelib", "vendor"]
    assert 'CMD ["python", "-m", "fargate", "shop.main:application"]\n' in files["Dockerfile"]


def test_requirements_are_copied_with_those_that_they_name(project: Path) -> None:
    (project / "requirements.txt").write_text(
        "-r reqs/base.txt\n--constraint=limits.txt\nsix # -r not.txt\n-r https://x/y\n"
    )
    (project / "reqs").mkdir()
    (project / "reqs" / "base.txt").write_text("-r ../requirements.txt\n-c ../limits.txt")
    (project / "limits.txt").write_text("")
    text = written(project)["Dockerfile"]
    copied = re.findall(r"^COPY (\S+\.txt) \1$", text, re.MULTILINE)
    assert copied == ["requirements.txt", "reqs/base.txt", "limits.txt"]
    assert installs(text) == [f'--requirement requirements.txt "chalice-fargate[secrets]=={__version__}"']


def test_requirements_with_hashes_are_installed_alone(project: Path) -> None:
    """Beside one that has a hash, pip refuses a requirement without one."""
    (project / "requirements.txt").write_text("six==1.16.0 --hash=sha256:00\n")
    assert installs(written(project)["Dockerfile"]) == [
        "--requirement requirements.txt",
        f'"chalice-fargate[secrets]=={__version__}"',
    ]


def test_requirements_are_read_in_the_encoding_of_powershell(project: Path) -> None:
    (project / "requirements.txt").write_text("-r more.txt\n", encoding="utf-16")
    (project / "more.txt").touch()
    assert "COPY more.txt more.txt\n" in written(project)["Dockerfile"]


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_the_projects_of_the_contract_tests_get_their_files(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "copy")
    text = written(tmp_path / "copy")["Dockerfile"]
    copied = set(re.findall(r"^COPY (\S+) \1$", text, re.MULTILINE))
    packaged = {"app.py", "chalicelib", "requirements.txt", "vendor"}
    assert copied == packaged & {path.name for path in project.iterdir()}


@pytest.mark.parametrize("named", ["../other.txt", "missing.txt"])
def test_requirements_that_no_build_can_read_are_refused(project: Path, named: str) -> None:
    (project / "requirements.txt").write_text(f"-r {named}\n")
    done = write(project)
    assert done.returncode == 2
    assert f"requirements.txt names {named}, which is " in done.stderr


@pytest.fixture
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the name of the adapter's wheel."""
    file = tmp_path_factory.mktemp("dist") / f"chalice_fargate-{__version__}-py3-none-any.whl"
    file.write_bytes(b"wheel")
    return file


def test_a_wheel_is_copied_into_the_project_and_installed(project: Path, wheel: Path) -> None:
    files = written(project, "--wheel", str(wheel), "--server", "uvicorn")
    assert (project / wheel.name).read_bytes() == b"wheel"
    assert f"COPY {wheel.name} {wheel.name}\n" in files["Dockerfile"]
    assert installs(files["Dockerfile"]) == [f'"./{wheel.name}[secrets,uvicorn]"']
    assert f"!{wheel.name}\n" in files[".dockerignore"]


def test_a_wheel_that_is_in_the_project_stays_and_another_one_is_not_written_over_it(
    project: Path, wheel: Path
) -> None:
    mine = project / wheel.name
    mine.write_bytes(b"mine")
    done = write(project, "--wheel", str(wheel))
    assert (done.returncode, mine.read_bytes()) == (1, b"mine")
    assert wheel.name in done.stderr
    written(project, "--wheel", wheel.name)
    assert mine.read_bytes() == b"mine"
