"""Both commands understand what `chalice new-project` makes, with each of its templates."""

import re
import subprocess
import sys
from pathlib import Path

import chalice
import pytest
import yaml

from tests.fargate.commands.calls import run
from tests.fixtures.servers import passed_on
from tests.fixtures.tools import beside

FOLDERS = Path(chalice.__file__).with_name("templates").glob("[0-9]*-*")
TEMPLATES = sorted(folder.name.partition("-")[2] for folder in FOLDERS)
"""The types of project, as `chalice new-project --project-type` names them."""

FOR_LAMBDA = {"lambda-only": ["first_function", "second_function"]}
FOR_OTHER_COMMANDS = {"s3-event-handler": ["on_s3_event s3_handler", "All of it is served, or run by another command."]}


def new_project(template: str, folder: Path) -> Path:
    """Make a project; return the folder with its app."""
    command = beside(sys.executable, "chalice", "make setup does that")
    made = [command, "new-project", "mine", "--project-type", template]
    subprocess.run(made, cwd=folder, env=passed_on(), capture_output=True, timeout=60, check=True)
    (configuration,) = folder.glob("mine/**/.chalice/config.json")
    return configuration.parents[1]


@pytest.mark.parametrize("template", TEMPLATES)
def test_it_is_checked_and_gets_its_files(template: str, tmp_path: Path) -> None:
    folder = new_project(template, tmp_path)
    checked = run(folder, "check", environ={"AWS_DEFAULT_REGION": "eu-west-1"})
    assert (checked.returncode, checked.stderr) == (1 if template in FOR_LAMBDA else 0, "")
    said = {**FOR_LAMBDA, **FOR_OTHER_COMMANDS}.get(template, ["All of it is served."])
    assert all(each in checked.stdout for each in said)
    done = run(folder, "dockerfile")
    assert (done.returncode, done.stderr) == (0, "")
    copied = set(re.findall(r"^COPY (\S+) \1$", (folder / "Dockerfile").read_text(), re.MULTILINE))
    assert copied == {name for name in ("app.py", "chalicelib", "requirements.txt") if (folder / name).exists()}
    assert copied == set(re.findall(r"^!(\S+)$", (folder / ".dockerignore").read_text(), re.MULTILINE))
    listed = yaml.safe_load((folder / "compose.yaml").read_text())["services"]["app"]["environment"]
    assert [each for each in listed if "=" in each] == (["APP_TABLE_NAME="] if template == "cdk-ddb" else [])
