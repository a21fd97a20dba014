"""Terraform in the tests: in a scratch copy, without the real backend, offline if a provider mirror exists."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.errors import MissingProgramError

ROOT = Path(__file__).resolve().parents[2]
TREE = ROOT / "terraform"
MODULES = sorted(path.name for path in (TREE / "modules").iterdir() if path.is_dir())

MIRROR = "TERRAFORM_PLUGIN_DIR"
"""Names the folder that holds registry.terraform.io/, for a machine without internet."""

FIRST_LINES = 60
"""How many lines of standard error an error message shows; the cause comes first."""

LAST_LINES = 25
"""How many lines of standard output it shows; the cause comes last."""

_CONFIGURATION = "TF_CLI_CONFIG_FILE"
_REGISTRY = "registry.terraform.io"
_PROVIDER = Path(_REGISTRY, "hashicorp", "aws")
_NOT_LOOKED_INTO = {Path("/proc"), Path("/sys"), Path("/dev")}
_PASSED_ON = re.compile(
    r"PATH|HOME|LANG|LC_ALL|TMPDIR|TZ|XDG_\w+|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY|SSL_CERT_\w+"
)


class TerraformError(AssertionError):
    """A command of Terraform failed; the message names the file with all output, and shows the end of it."""


@dataclass(frozen=True, slots=True)
class Terraform:
    """The program and its provider."""

    program: Path
    mirror: Path | None  # None: `terraform init` fetches it
    cache: Path  # a fetched provider is linked from here

    def folder(self, path: Path, environ: Mapping[str, str] | None = None) -> "Folder":
        """Copy a folder of configuration, and initialise the copy."""
        folder = self.at(path, environ)
        mirror = [f"-plugin-dir={self.mirror}"] if self.mirror else []
        folder.run("init", "-backend=false", "-input=false", *mirror)
        return folder

    def at(self, path: Path, environ: Mapping[str, str] | None = None) -> "Folder":
        """Use a folder without a copy."""
        return Folder(self, path, environ or {})

    def environ(self) -> dict[str, str]:
        """Return an environment without the variables that Terraform or the provider would read."""
        environ = {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)}
        environ |= {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
        if Path(os.environ.get(_CONFIGURATION, "")).is_file():  # without the file Terraform warns
            environ[_CONFIGURATION] = os.environ[_CONFIGURATION]
        if self.mirror is None:
            environ["TF_PLUGIN_CACHE_DIR"] = str(self.cache)
        return environ


@dataclass(frozen=True, slots=True)
class Folder:
    """An initialised scratch copy of a configuration."""

    terraform: Terraform
    path: Path
    environ: Mapping[str, str]

    def run(self, command: str, *arguments: str, accepted: tuple[int, ...] = (0,), seconds: float = 900) -> str:
        """Run a command; return what it wrote to standard output.

        Raises:
            TerraformError: it ended with a status that is not accepted.
        """
        status, output, complaints = _run_to_its_end(
            [self.terraform.program, f"-chdir={self.path}", command, "-no-color", *arguments],
            {**self.terraform.environ(), **self.environ},
            seconds,
        )
        if status not in accepted:
            words = " ".join((command, *arguments))
            raise TerraformError(f"terraform {words}: exit status {status}{self._told(command, output, complaints)}")
        return output

    def _told(self, command: str, output: str, complaints: str) -> str:
        """Return the part of a failure that explains it; write all of it to a file."""
        name = f"{self.path.name}-{command}-"
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix=name, suffix=".log", dir=self.terraform.cache, delete=False
        ) as log:
            log.write(f"{output}\n{complaints}")
        parts = (
            f", all of it in {log.name}",
            _shortened(output, 0, LAST_LINES),
            _shortened(complaints, FIRST_LINES, 0),
        )
        return "\n\n".join(part for part in parts if part)

    def state(self) -> list[dict[str, Any]]:
        """Return every resource in the state, of all modules, with its `address`, `type` and `values`."""
        state = json.loads(self.run("show", "-json"))
        return list(_resources(state.get("values", {}).get("root_module", {})))

    def outputs(self) -> dict[str, Any]:
        """Return the values of the outputs."""
        return {name: output["value"] for name, output in json.loads(self.run("output", "-json")).items()}


def scratch_tree(folder: Path) -> Path:
    """Copy the tree into `folder`, without state and settings of a developer's own runs; return its root."""
    left = shutil.ignore_patterns(
        ".terraform", ".terraform.lock.hcl", "*.tfstate*", "terraform.tfvars", "*.auto.tfvars"
    )
    return Path(shutil.copytree(TREE, folder / "terraform", ignore=left))


def find_terraform(cache: Path) -> Terraform:
    """Find the program and its provider.

    Raises:
        MissingProgramError: one of them cannot be had; the message says what to do.
    """
    program = shutil.which("terraform")
    if program is None:
        raise MissingProgramError("terraform is not on the PATH")
    mirror = next(mirrors(), None)
    terraform = Terraform(Path(program), mirror, cache)
    if mirror is None:
        _require_registry(terraform, cache)
    return terraform


def mirrors(environ: Mapping[str, str] = os.environ, top: Path = Path("/")) -> Iterator[Path]:
    """Yield the folders that hold the provider: the named one, Terraform's own, any near the top of the disk."""
    named = environ.get(MIRROR)
    if named:
        if not (Path(named) / _PROVIDER).is_dir():
            raise MissingProgramError(f"{MIRROR}={named} holds no {_PROVIDER}")
        yield Path(named)
    for place in (*_usual(environ), *_shallow(top)):
        if (place / _PROVIDER).is_dir():
            yield place


def _usual(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield Terraform's own mirror folders in its order."""
    home = Path(environ.get("HOME") or Path.home())
    yield TREE / "terraform.d" / "plugins"
    yield home / ".terraform.d" / "plugins"
    shared = (environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")
    for data in (environ.get("XDG_DATA_HOME") or str(home / ".local" / "share"), *shared):
        yield Path(data) / "terraform" / "plugins"


def _shallow(top: Path) -> Iterator[Path]:
    """Yield every folder, at most two below the top, that holds a folder named after the registry."""
    for pattern in (_REGISTRY, f"*/{_REGISTRY}", f"*/*/{_REGISTRY}"):
        for found in sorted(top.glob(pattern)):
            if not _NOT_LOOKED_INTO & set(found.parents):
                yield found.parent


def _require_registry(terraform: Terraform, cache: Path) -> None:
    probe = cache / "probe"
    probe.mkdir(parents=True, exist_ok=True)
    shutil.copy(TREE / "versions.tf", probe)
    try:
        terraform.folder(probe, {"TF_REGISTRY_CLIENT_TIMEOUT": "10"})
    except TerraformError as fault:
        last = str(fault).strip().splitlines()[-1]
        raise MissingProgramError(
            f"no provider in a local mirror ({MIRROR} names one), none to fetch: {last}"
        ) from None


def _shortened(text: str, first: int, last: int) -> str:
    """Return the first and the last lines of a text, with the number of lines left out between them."""
    lines = text.strip().splitlines()
    left_out = len(lines) - first - last
    if left_out <= 0:
        return "\n".join(lines)
    return "\n".join([*lines[:first], f"... ({left_out} lines are left out)", *lines[len(lines) - last :]])


def _run_to_its_end(command: list[str | Path], environ: Mapping[str, str], seconds: float) -> tuple[int, str, str]:
    """Run a command; return its exit status and output. If interrupted, kill it with the providers it started."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=environ, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:
        try:
            output, complaints = process.communicate(timeout=seconds)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, output, complaints


def _resources(module: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (resource for resource in module.get("resources", ()) if resource["mode"] == "managed")
    for child in module.get("child_modules", ()):
        yield from _resources(child)
