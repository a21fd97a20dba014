"""The libraries that the adapter needs, the oldest version of each that works, and the extras that install them.

The package's metadata (pyproject.toml) state the same; a test compares them. What is older would start and fail later:
with Powertools 2.38 every request is a 502.
"""

import functools
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec

from fargate.errors import ConfigurationError

REQUIRED = (
    "aws-lambda-powertools[tracer]>=3.3.0",
    "chalice>=1.21.0",
    "orjson>=3.8.5",
    "prometheus-client>=0.18.0",
    "waitress>=3.0.1",
)
"""Needed by every command and every server."""

EXTRAS = {
    "cognito": ("pyjwt[crypto]>=2.15.0",),
    "granian": ("granian>=2.5.0",),
    "poll": ("boto3>=1.34.32",),
    "redis": ("redis>=4.5.5",),
    "secrets": ("boto3>=1.34.32",),
    "uvicorn": ("httptools>=0.5.0", "uvicorn>=0.30.6", "uvloop>=0.17.0", "wsproto>=1.2.0"),
}
"""Needed by some settings: the extra that installs them, `pip install "chalice-fargate[uvicorn]"`."""

_MODULES = {"pyjwt": ("jwt", "cryptography"), "uvloop": ()}
"""What a library is imported as, if not by its own name. uvicorn takes uvloop if it is there, and runs without it."""

_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[\w+\])?>=([\d.]+)")


def check_required() -> None:
    """Check that no library is older than the adapter needs.

    Raises:
        ConfigurationError: one is; the message has a line for each.
    """
    _check(REQUIRED)


def check_extra(extra: str) -> None:
    """Check that the libraries of an extra are there, and none is older than the adapter needs.

    Raises:
        ConfigurationError: one is missing or older; the message says how to install it.
    """
    missing = [name for name, _ in _parsed(EXTRAS[extra]) if not _is_installed(name)]
    if missing:
        *most, last = missing
        these = f"{', '.join(most)} and {last} are" if most else f"{last} is"
        raise ConfigurationError(f'{these} not installed: pip install "chalice-fargate[{extra}]"')
    _check(EXTRAS[extra])


@functools.cache
def _check(requirements: tuple[str, ...]) -> None:
    found = installed_versions()
    wrong = [
        f'{name} is {found[name]}; {least} or newer is needed: pip install "{requirement}"'
        for requirement, (name, least) in zip(requirements, _parsed(requirements), strict=True)
        if is_older(found.get(name, ""), least)
    ]
    if wrong:
        raise ConfigurationError("\n".join(wrong))


def installed_versions() -> Mapping[str, str]:
    """Return the versions of what is installed, by name, as the folders of metadata are called (PEP 376, PEP 491).

    importlib.metadata finds the same, but its import takes 40 ms of CPU, and nothing else at the start needs it.
    """
    found: dict[str, str] = {}
    for folder in _metadata_folders():
        name, _, rest = folder.rpartition(".")[0].partition("-")
        found.setdefault(name.lower().replace("_", "-").replace(".", "-"), rest.partition("-")[0])
    return found


def _metadata_folders() -> Iterator[str]:
    for path in sys.path:
        try:
            names = [entry.name for entry in os.scandir(path or ".")]
        except OSError:  # an archive, or no longer there
            continue
        yield from (name for name in names if name.endswith((".dist-info", ".egg-info")))


def _parsed(requirements: Iterable[str]) -> list[tuple[str, str]]:
    """Return the name and the least version of each requirement."""
    return [match.groups() for match in map(_REQUIREMENT.match, requirements) if match]  # type: ignore[misc]


def _is_installed(name: str) -> bool:
    return all(find_spec(module) is not None for module in _MODULES.get(name, (name,)))


def is_older(version: str, least: str) -> bool:
    """Tell whether a version is older than another. One without numbers is taken for new enough."""
    numbers = _numbers(version)
    return bool(numbers) and numbers < _numbers(least)


def _numbers(version: str) -> tuple[int, ...]:
    """Return a version's numbers without zeros at the end; of 0.27.0.post1, those of 0.27."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, re.sub(r"(\.0+)+$", "", release.group()).split("."))) if release else ()
