"""Base images for machines without a registry: Debian's packages, laid out as the real images are.

Each is a tar file in .cache/, created once. What must hold: all that our Dockerfiles use of the real base is here at
the same place, so the Dockerfiles are the same for both.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.errors import MissingProgramError

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "image"

DEBIAN = "http://deb.debian.org/debian"
RELEASE = "trixie"  # whose Python is 3.13, as in python:3.13-slim
CERTIFICATES = Path("etc", "ssl", "certs", "ca-certificates.crt")
MAKING_SECONDS = 900


@dataclass(frozen=True, slots=True)
class StandIn:
    """The stand-in for an image, with the settings of the real one."""

    image: str  # the default of the Dockerfile's argument
    file: str  # change the name with the recipe
    changes: tuple[str, ...]
    make: Callable[[Path], None]

    def archive(self) -> Path:
        """Return its tar file; create it if needed.

        Raises:
            MissingProgramError: it cannot be created here.
        """
        return made_once(self.file, self._pack)

    def _pack(self, archive: Path) -> None:
        with _scratch() as scratch:
            tree = scratch / "root"
            self.make(tree)
            _run("tar", "--create", "--numeric-owner", "--directory", tree, "--file", archive, ".")


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """Return a file of the cache. If it is missing, one process creates it; a half-created file is never used."""
    CACHE.mkdir(parents=True, exist_ok=True)
    file = CACHE / name
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            unfinished = file.with_name(f"{name}.unfinished")
            make(unfinished)
            unfinished.rename(file)
    return file


def required(program: str, package: str) -> str:
    """Return a program's path.

    Raises:
        MissingProgramError: it is not there.
    """
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise MissingProgramError(f"{program} is not on the PATH: make test-image installs Debian's {package}")
    return found


def _make_python(tree: Path) -> None:
    """Create Debian's Python, with pip where python:slim has it, and the CAs that this machine trusts."""
    packages = "--include=python3,python3-venv,ca-certificates"
    _run(required("debootstrap", "debootstrap"), "--variant=minbase", packages, RELEASE, tree, DEBIAN)
    for name in ("python", "python3"):
        (tree / "usr" / "local" / "bin" / name).symlink_to("/usr/bin/python3")
    for marker in tree.glob("usr/lib/python3.*/EXTERNALLY-MANAGED"):
        marker.unlink()
    (wheel,) = tree.glob("usr/share/python-wheels/pip-*.whl")
    inside = Path("/", wheel.relative_to(tree))
    _run(
        "chroot",
        tree,
        "python3",
        inside / "pip",
        "install",
        "--quiet",
        "--no-index",
        "--root-user-action=ignore",
        inside,
    )
    shutil.copy(Path("/", CERTIFICATES), tree / CERTIFICATES)
    for left in ("var/lib/apt/lists", "var/cache/apt", "var/log", "usr/share/doc", "usr/share/locale"):
        shutil.rmtree(tree / left, ignore_errors=True)


def _make_prometheus(tree: Path) -> None:
    """Create Debian's Prometheus at the place it has in prom/prometheus. Nothing else of that image is used."""
    _copy_programs(tree, "prometheus", {"prometheus": "prometheus", "promtool": "promtool"})


def _make_alertmanager(tree: Path) -> None:
    """Create Debian's Alertmanager in the same way."""
    _copy_programs(tree, "prometheus-alertmanager", {"prometheus-alertmanager": "alertmanager", "amtool": "amtool"})


def _copy_programs(tree: Path, package: str, names: Mapping[str, str]) -> None:
    """Copy programs to /bin by their names there. They need only the C library, which the base has."""
    (tree / "bin").mkdir(parents=True)
    for name, there in names.items():
        shutil.copy(Path(required(name, package)).resolve(), tree / "bin" / there)


PYTHON = StandIn(
    "python:3.13-slim",
    "python-3.13-1.tar",
    ("ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", 'CMD ["python3"]'),
    _make_python,
)

PROMETHEUS = StandIn(
    "prom/prometheus:v3.13.3",
    "prometheus-2.tar",
    ('ENTRYPOINT ["/bin/prometheus"]',),
    _make_prometheus,
)

ALERTMANAGER = StandIn(
    "prom/alertmanager:v0.34.0",
    "alertmanager-1.tar",
    ('ENTRYPOINT ["/bin/alertmanager"]',),
    _make_alertmanager,
)


@contextmanager
def _scratch() -> Iterator[Path]:
    """Create a temporary folder on a file system that allows devices, and remove it."""
    scratch = Path(tempfile.mkdtemp(prefix="shop-"))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch)


def _run(*command: str | Path, accepted: tuple[int, ...] = (0,)) -> str:
    try:
        done = subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=MAKING_SECONDS,
        )
    except FileNotFoundError as missing:
        raise MissingProgramError(f"{missing.filename} is not on this machine") from None
    if done.returncode not in accepted:
        raise MissingProgramError(f"{Path(command[0]).name} failed:\n{done.stdout[-2000:]}")
    return done.stdout
