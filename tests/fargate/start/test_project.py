"""A Chalice project is read as Chalice reads it, and a broken configuration says what is wrong and where."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from chalice.config import Config

from fargate.errors import ConfigurationError
from fargate.start.announcement import announce_project
from fargate.start.project import ONLY_ON_AWS, Project, enter_project, project_here, read_project

CONFIGURATION = {
    "app_name": "shop",
    "xray": True,
    "environment_variables": {"A": "top", "B": "top", "C": "top"},
    "lambda_functions": {"api_handler": {"environment_variables": {"A": "unread"}}},
    "stages": {
        "dev": {
            "lambda_memory_size": 1024,
            "environment_variables": {"B": "stage", "C": "stage"},
            "lambda_functions": {
                "api_handler": {"environment_variables": {"C": "function"}, "lambda_timeout": 5},
                "nightly": {"environment_variables": {"C": "another"}, "reserved_concurrency": 1},
            },
        },
        "prod": {"api_gateway_stage": "v1", "environment_variables": {"A": "prod"}},
        "empty": None,
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".chalice").mkdir()
    configure(tmp_path, CONFIGURATION)
    return tmp_path


def configure(folder: Path, configuration: Any) -> None:
    text = configuration if isinstance(configuration, str) else json.dumps(configuration)
    (folder / ".chalice" / "config.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("stage", "environment", "without_meaning"),
    [
        ("dev", {"A": "top", "B": "stage", "C": "function"}, ("lambda_memory_size", "lambda_timeout", "xray")),
        ("prod", {"A": "prod", "B": "top", "C": "top"}, ("api_gateway_stage", "xray")),
        ("empty", {"A": "top", "B": "top", "C": "top"}, ("xray",)),
    ],
)
def test_the_values_of_a_stage_are_merged_as_chalice_merges_them(
    folder: Path, stage: str, environment: dict[str, str], without_meaning: tuple[str, ...]
) -> None:
    assert read_project(folder, stage) == Project(folder, stage, environment, None, without_meaning)
    if stage != "empty":  # Chalice fails at null
        assert Config(stage, config_from_disk=CONFIGURATION).environment_variables == environment


def test_the_default_stage_need_not_be_there(folder: Path) -> None:
    configure(folder, {"environment_variables": {"A": "1"}, "stages": {"prod": {}}})
    assert read_project(folder).environment == {"A": "1"}


def test_a_folder_without_a_configuration_is_an_empty_project(tmp_path: Path) -> None:
    assert read_project(tmp_path, "prod") == Project(tmp_path, "prod")


def test_vendored_packages_are_found(tmp_path: Path) -> None:
    (tmp_path / "vendor").mkdir()
    assert read_project(tmp_path).vendor == tmp_path / "vendor"


def test_keys_without_a_meaning_are_keys_of_chalice() -> None:
    assert {name for name in ONLY_ON_AWS if not hasattr(Config, name)} == {"xray"}  # there `xray_enabled`


@pytest.mark.parametrize(
    ("function", "value"), [("nightly", "another"), ("shop-dev-nightly", "another"), ("x", "stage")]
)
def test_a_function_has_variables_of_its_own(folder: Path, function: str, value: str) -> None:
    """Its name is that of `lambda_functions`, or the one on Lambda."""
    assert read_project(folder, "dev", function).environment == {"A": "top", "B": "stage", "C": value}


@pytest.mark.parametrize(
    ("configuration", "stage", "errors"),
    [
        ('{\n"version": "2.0",\n}', "dev", [", line 3: Expecting property name enclosed in double quotes"]),
        ("[]", "dev", [" is not an object"]),
        ({"stages": []}, "dev", [": stages is not an object"]),
        ({"stages": {"dev": "x"}}, "dev", [": stages.dev is not an object"]),
        ({"environment_variables": ["A=1"]}, "dev", [": environment_variables is not an object"]),
        (CONFIGURATION, "qa", [" has no stage 'qa': it has dev, prod, empty"]),
        ({}, "qa", [" has no stage 'qa': it has none"]),
        (
            {
                "environment_variables": {"A": 1, "HALF": "\ud83d"},
                "stages": {"dev": {"environment_variables": {"B": None, "A=B": ""}}},
            },
            "dev",
            [
                ": environment_variables.A is 1, not a string",
                ": environment_variables has 'HALF', which cannot be an environment variable",
                ": stages.dev.environment_variables.B is null, not a string",
                ": stages.dev.environment_variables has 'A=B', which cannot be an environment variable",
            ],
        ),
    ],
)
def test_a_broken_configuration_says_what_is_wrong(
    folder: Path, configuration: Any, stage: str, errors: list[str]
) -> None:
    configure(folder, configuration)
    with pytest.raises(ConfigurationError) as raised:
        read_project(folder, stage)
    assert str(raised.value).splitlines() == [f"{folder}/.chalice/config.json{error}" for error in errors]


def test_a_configuration_that_is_not_text_says_so(folder: Path) -> None:
    (folder / ".chalice" / "config.json").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match=r"config\.json cannot be read: 'utf-8'"):
        read_project(folder)


@pytest.mark.parametrize(
    ("argument", "environ", "stage"),
    [(None, {}, "dev"), (None, {"CHALICE_STAGE": "prod"}, "prod"), ("dev", {"CHALICE_STAGE": "prod"}, "dev")],
)
def test_the_argument_wins_over_the_variable(
    folder: Path, argument: str | None, environ: dict[str, str], stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert project_here(argument, environ) == read_project(folder, stage)


def test_an_argument_for_a_configuration_that_is_not_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"^--stage is 'qa', but there is no .*/\.chalice/config\.json\. "):
        project_here("qa", {})


def test_the_variable_names_the_stage_of_an_image_without_a_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The start says that it has no variables: the file may be missing by mistake."""
    monkeypatch.chdir(tmp_path)
    project = project_here(None, {"CHALICE_STAGE": "qa"})
    assert project == Project(tmp_path, "qa")
    with caplog.at_level("INFO", "fargate"):
        announce_project(project)
    assert caplog.messages == ["Stage qa, without variables of its own: there is no .chalice/config.json"]


def test_the_process_gets_the_variables_that_it_has_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where to listen is not taken from them, since the container's health check does not know them."""
    monkeypatch.setattr(os, "environ", own := {"THREADS": "3", "EMPTY": ""})
    monkeypatch.setattr(sys, "path", [str(tmp_path), "/installed"])
    project = Project(
        tmp_path,
        environment={"THREADS": "2", "EMPTY": "no", "PORT": "5432", "HOST": "db.example", "TABLE": "orders"},
        vendor=tmp_path / "vendor",
    )
    assert enter_project(project, dict(own)) == {"THREADS": "3", "EMPTY": "", "TABLE": "orders"}
    assert own == {"THREADS": "3", "EMPTY": "", "TABLE": "orders", "PORT": "5432", "HOST": "db.example"}
    assert sys.path == [str(tmp_path), str(tmp_path / "vendor"), "/installed"]
