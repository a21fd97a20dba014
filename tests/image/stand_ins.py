"""Base images for machines that reach no registry: made of what Debian has, laid out as the real ones are.

Each is a tar file in .cache/, made once. What must hold: whatever a Dockerfile of ours finds in the real base is here,
at the same place, so that not a line of it has to know.
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
    """What takes the place of an image, and the settings that the real one comes with."""

    image: str  # the default of the Dockerfile's argument
    file: str  # a new name whenever the recipe changes
    changes: tuple[str, ...]
    make: Callable[[Path], None]

    def archive(self) -> Path:
        """Return its tar file, made now if it never was.

        Raises:
            MissingProgramError: it cannot be made here.
        """
        return made_once(self.file, self._pack)

    def _pack(self, archive: Path) -> None:
        with _scratch() as scratch:
            tree = scratch / "root"
            self.make(tree)
            _run("tar", "--create", "--numeric-owner", "--directory", tree, "--file", archive, ".")


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """Return a file of the cache; where it is not there, it is made, whole or not at all, and by one of us only."""
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
    """Debian's Python, with pip where python:slim has it, and the CAs that this machine trusts."""
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
    """Debian's Prometheus, where prom/prometheus has its own: of that image nothing else is taken."""
    _copy_programs(tree, "prometheus", {"prometheus": "prometheus", "promtool": "promtool"})


def _make_alertmanager(tree: Path) -> None:
    """Debian's Alertmanager, likewise."""
    _copy_programs(tree, "prometheus-alertmanager", {"prometheus-alertmanager": "alertmanager", "amtool": "amtool"})


def _copy_programs(tree: Path, package: str, names: Mapping[str, str]) -> None:
    """Copy programs to /bin, by their names there. They want nothing but the C library, which is the base's."""
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
    """Make a folder beside the other temporary ones, where devices may exist, and remove it."""
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
