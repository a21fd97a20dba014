"""The Chalice project in a folder: what `.chalice/config.json` says for a stage, and `vendor/`.

A stage's values are merged as Chalice merges them (`chalice.config.Config`). `enter_project` gives them to this
process, whose own variables win.
"""

import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fargate.errors import ConfigurationError

DEFAULT_STAGE = "dev"
"""As in Chalice's own commands, which have this stage even if the configuration does not name it."""

STAGE_VARIABLE = "CHALICE_STAGE"

CONFIGURATION = Path(".chalice", "config.json")
FUNCTION = "api_handler"
"""Chalice's name of the function behind the HTTP routes; `lambda_functions` may have values for it."""

LISTENING = frozenset({"HOST", "PORT"})
"""Where to listen is for the container to say: its health check, a process of its own, must know it too."""

ONLY_ON_AWS = frozenset(
    {
        "api_gateway_custom_domain",
        "api_gateway_endpoint_type",
        "api_gateway_endpoint_vpce",
        "api_gateway_policy_file",
        "api_gateway_stage",
        "autogen_policy",
        "automatic_layer",
        "iam_policy_file",
        "iam_role_arn",
        "lambda_architecture",
        "lambda_memory_size",
        "lambda_timeout",
        "layers",
        "log_retention_in_days",
        "manage_iam_role",
        "minimum_compression_size",
        "profile",
        "reserved_concurrency",
        "security_group_ids",
        "subnet_ids",
        "tags",
        "websocket_api_custom_domain",
        "xray",
    }
)
"""Keys that say how Chalice deploys to API Gateway and Lambda."""


@dataclass(frozen=True, slots=True)
class Project:
    """A Chalice project, for one of its stages; empty where the folder has no `.chalice/config.json`."""

    folder: Path
    stage: str = DEFAULT_STAGE
    environment: Mapping[str, str] = field(default_factory=dict)  # of the function, by default that of the routes
    vendor: Path | None = None
    without_meaning: tuple[str, ...] = ()  # keys of the configuration that mean nothing in a container; sorted


def read_project(folder: Path, stage: str = DEFAULT_STAGE, function: str = FUNCTION) -> Project:
    """Read the Chalice project in a folder.

    Args:
        folder: where `.chalice/` is.
        stage: the stage whose values are read.
        function: the function whose variables are read: its name in `lambda_functions`, or on Lambda.

    Raises:
        ConfigurationError: the configuration is broken, or does not have the stage; one line for each error.
    """
    vendor = folder / "vendor" if (folder / "vendor").is_dir() else None
    file = folder / CONFIGURATION
    if not file.is_file():
        return Project(folder, stage, vendor=vendor)
    try:
        layers = _layers(_read(file), stage, function)
        environment = _environment(layers)
    except ConfigurationError as error:
        raise ConfigurationError("\n".join(f"{file}{line}" for line in str(error).splitlines())) from None
    keys = {key for layer in layers.values() for key in layer}
    return Project(folder, stage, environment, vendor, tuple(sorted(keys & ONLY_ON_AWS)))


def project_here(stage: str | None, environ: Mapping[str, str], function: str = FUNCTION) -> Project:
    """Read the Chalice project in the working folder, for the stage of `--stage`, of CHALICE_STAGE, or else `dev`.

    `function` is that of `read_project`. Without a configuration, as in the images that `dockerfile` describes,
    CHALICE_STAGE still names the stage: names of functions have it, and keys in Redis.

    Raises:
        ConfigurationError: as `read_project`; or `--stage` has one, and there is no configuration.
    """
    here = Path.cwd()
    if stage and not (here / CONFIGURATION).is_file():
        raise ConfigurationError(
            f"--stage is {stage!r}, but there is no {here / CONFIGURATION}. {STAGE_VARIABLE} names a stage without one"
        )
    return read_project(here, stage or environ.get(STAGE_VARIABLE) or DEFAULT_STAGE, function)


def enter_project(project: Project, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Give this process the project's variables and vendored packages; return the environment for the settings.

    Variables in `environ` win. As on Lambda, vendored packages win over installed ones.
    """
    merged = {name: value for name, value in project.environment.items() if name not in LISTENING} | dict(environ)
    for name, value in project.environment.items():
        os.environ.setdefault(name, value)
    time.tzset()  # TZ may be among them
    if project.vendor is not None:
        sys.path.insert(1, str(project.vendor))  # after the working folder
    return merged


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ConfigurationError(f", line {error.lineno}: {error.msg}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f" cannot be read: {error}") from None


def _layers(configuration: Any, stage: str, function: str) -> dict[str, dict[str, Any]]:
    """Return the objects whose values are merged, by where they are; a later one beats an earlier one."""
    if not isinstance(configuration, dict):
        raise ConfigurationError(" is not an object")
    stages = _object(configuration, "stages", "")
    if stage not in stages and stage != DEFAULT_STAGE:
        raise ConfigurationError(f" has no stage {stage!r}: it has {', '.join(stages) or 'none'}")
    here = f"stages.{stage}."
    values = _object(stages, stage, "stages.")
    functions = _object(values, "lambda_functions", here)
    key = function if function in functions else function.rpartition(f"-{stage}-")[2]
    own = _object(functions, key, f"{here}lambda_functions.")
    return {"": configuration, here: values, f"{here}lambda_functions.{key}.": own}


def _object(values: Mapping[str, Any], key: str, place: str) -> dict[str, Any]:
    """Return the object of a key; an empty one where it is missing or null."""
    value = values.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigurationError(f": {place}{key} is not an object")
    return value


def _environment(layers: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    variables = {place: _object(layer, "environment_variables", place) for place, layer in layers.items()}
    if faults := [fault for place, each in variables.items() for fault in _faults(each, place)]:
        raise ConfigurationError("\n".join(faults))
    return {name: value for each in variables.values() for name, value in each.items()}


def _faults(variables: Mapping[str, Any], place: str) -> Iterator[str]:
    for name, value in variables.items():
        if not isinstance(value, str):
            yield f": {place}environment_variables.{name} is {json.dumps(value)}, not a string"
        elif not name or "=" in name or not _fits_environment(name + value):
            yield f": {place}environment_variables has {name!r}, which cannot be an environment variable"


def _fits_environment(text: str) -> bool:
    """Tell whether the operating system takes a text; JSON can also write NUL and half of a surrogate pair."""
    return "\0" not in text and not re.search("[\ud800-\udfff]", text)
