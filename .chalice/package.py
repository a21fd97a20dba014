"""Package the shop for Lambda: `python .chalice/package.py [STAGE]`, which is `make lambda-package`.

`chalice package` in the checkout would package everything in requirements.txt, including pip and boto3, but no
bytecode. Lambda cannot write bytecode and would compile every module at each cold start. So this script calls it on a
copy of the shop without requirements. The copy's `vendor/` holds what .chalice/requirements.txt installs for Lambda's
platform, compiled.

The function's environment variables are in lambda.json, which is merged into the copy's config.json: the adapter gives
those of config.json to the app, and in a container these would be wrong.

It never calls AWS. Placeholders in the .json files here (`${DATABASE_URL}`) are replaced by environment variables of
the same name, or left as they are.
"""

import argparse
import compileall
import json
import os
import py_compile
import shutil
import string
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import cache_from_source, find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TASK = "/var/task"
"""Where Lambda unpacks the package: the paths in tracebacks."""

PLATFORMS = {
    "arm64": ("manylinux2014_aarch64", "manylinux_2_17_aarch64"),
    "x86_64": ("manylinux2014_x86_64", "manylinux_2_17_x86_64"),
}
"""pip's platforms, by Lambda's name of the architecture. Their wheels run on the system of every Python on Lambda."""

OFFLINE = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",  # Chalice requires one; the template does not contain it
    "AWS_EC2_METADATA_DISABLED": "true",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def package(stage: str, into: Path, architecture: str | None = None) -> tuple[Path, set[str]]:
    """Write a stage's `deployment.zip` and `sam.json`; return their folder and the variables that were not set.

    The architecture is the configuration's, unless one is given.

    Raises:
        subprocess.CalledProcessError: pip or Chalice failed and has printed why.
    """
    project, result = into / stage / "project", into / stage / "package"
    shutil.rmtree(into / stage, ignore_errors=True)
    _copy_shop(project)
    _install_imports(project / "vendor", _configure(project / ".chalice", architecture))
    _compile(project)
    unset = _fill(project / ".chalice", os.environ)
    chalice = (sys.executable, "-c", "from chalice.cli import main; main()", "--project-dir", project)
    merged = project / ".chalice" / "template.json"
    _run(*chalice, "package", "--stage", stage, "--merge-template", merged, result, environ=OFFLINE)
    return result, unset


def _copy_shop(project: Path) -> None:
    project.mkdir(parents=True)
    shutil.copy(ROOT / "app.py", project)
    shutil.copytree(ROOT / "chalicelib", project / "chalicelib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / ".chalice", project / ".chalice", ignore=shutil.ignore_patterns("deploy*", "__pycache__"))


def _configure(folder: Path, architecture: str | None) -> str:
    """Merge lambda.json and an architecture, if given, into the copied configuration; return its architecture."""
    given = {"lambda_architecture": architecture} if architecture else {}
    values: dict[str, Any] = {}
    for each in (_json_of(folder / "config.json"), _json_of(folder / "lambda.json"), given):
        values = _merged(values, each)
    (folder / "config.json").write_text(json.dumps(values), encoding="utf-8")
    return str(values["lambda_architecture"])


def _json_of(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _merged(values: Any, more: Any) -> Any:
    """Return an object with the values of another one, which win; objects in it are merged too."""
    if not (isinstance(values, dict) and isinstance(more, dict)):
        return more
    return {**values, **{key: _merged(values.get(key), each) for key, each in more.items()}}


def _install_imports(vendor: Path, architecture: str) -> None:
    platforms = [word for platform in PLATFORMS[architecture] for word in ("--platform", platform)]
    exactly = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-compile"]
    lock = ROOT / ".chalice" / "requirements.txt"
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install")
    _run(*pip, *exactly, *platforms, "--target", vendor, "--requirement", lock)
    shutil.rmtree(vendor / "bin", ignore_errors=True)


def _compile(project: Path) -> None:
    """Compile every module. Python will not check whether a source has changed, which is impossible on Lambda."""
    for folder, place in ((project / "vendor", TASK), (project / "chalicelib", f"{TASK}/chalicelib")):
        compileall.compile_dir(
            folder,
            quiet=1,
            stripdir=str(folder),
            prependdir=place,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    # Chalice adds these three itself, from where they are installed.
    for module in ("app", "chalice", "chalice.app"):
        _compile_module(module, project)


def _compile_module(name: str, project: Path) -> None:
    source, place = _source_of(name, project)
    py_compile.compile(
        str(source),
        cache_from_source(str(project / "vendor" / place)),
        f"{TASK}/{place}",
        doraise=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def _source_of(name: str, project: Path) -> tuple[Path, Path]:
    """Return a module's file, and its path in the package."""
    if name == "app":
        return project / "app.py", Path("app.py")
    found = find_spec(name)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(name)
    file = Path(found.origin)
    return file, Path("chalice", file.name)


def _fill(folder: Path, environ: Mapping[str, str]) -> set[str]:
    """Replace placeholders in the copied configuration; return those without an environment variable."""
    unset: set[str] = set()
    for file in folder.glob("*.json"):
        filled = _filled(_json_of(file), environ, unset)
        file.write_text(json.dumps(filled, indent=2), encoding="utf-8")
    return unset


def _filled(value: Any, environ: Mapping[str, str], unset: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, environ, unset) for key, each in value.items()}
    if isinstance(value, list):  # a variable may hold several elements, separated by commas
        return [part for each in value for part in _parts(_filled(each, environ, unset))]
    if isinstance(value, str):
        template = string.Template(value)
        unset |= set(template.get_identifiers()) - set(environ)
        return template.safe_substitute(environ)
    return value


def _parts(value: Any) -> list[Any]:
    return value.split(",") if isinstance(value, str) else [value]


def _run(*command: str | Path, environ: dict[str, str] | None = None) -> None:
    subprocess.run(command, check=True, env={**os.environ, **(environ or {})}, stdout=sys.stderr)  # noqa: S603


def main() -> None:
    """Package the stage that the command line names."""
    parser = argparse.ArgumentParser(description="Package the shop for Lambda.")
    parser.add_argument("stage", nargs="?", default="dev", help="a stage of .chalice/config.json (default: dev)")
    parser.add_argument("--into", type=Path, default=ROOT / "build" / "lambda", help="(default: build/lambda)")
    parser.add_argument("--architecture", choices=sorted(PLATFORMS), help="(default: lambda_architecture there)")
    arguments = parser.parse_args()
    try:
        folder, unset = package(arguments.stage, arguments.into.resolve(), arguments.architecture)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.cmd[0]} failed (exit status {error.returncode})")
    size = (folder / "deployment.zip").stat().st_size / 1e6
    sys.stdout.write(f"{folder}: deployment.zip ({size:.1f} MB), sam.json\n")
    if unset:
        sys.stdout.write(f"Not set, so their placeholders stay in sam.json: {', '.join(sorted(unset))}\n")


if __name__ == "__main__":
    main()
