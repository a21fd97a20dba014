"""Base images for machines that reach no registry: made of what Debian has, laid out as the real ones are.

Each is a tar file in .cache/, made once. What must hold: whatever a Dockerfile of ours finds in the real base is here,
at the same place, so that not a line of it has to know.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "image"

DEBIAN = "http://deb.debian.org/debian"
RELEASE = "trixie"  # whose Python is 3.13, as in python:3.13-slim
CERTIFICATES = Path("etc", "ssl", "certs", "ca-certificates.crt")
MAKING_SECONDS = 900


class MissingToolError(Exception):
    """Something that is needed is not on this machine; the message says what to do."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """What takes the place of an image, and the settings that the real one comes with."""

    image: str  # the default of the Dockerfile's BASE
    file: str  # a new name whenever the recipe changes
    changes: tuple[str, ...]
    make: Callable[[Path], None]

    def archive(self) -> Path:
        """Return its tar file, made now if it never was.

        Raises:
            MissingToolError: it cannot be made here.
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
        MissingToolError: it is not there.
    """
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise MissingToolError(f"{program} is not on the PATH: make test-image installs Debian's {package}")
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
    """Debian's Prometheus on a busybox, and nobody: what prom/prometheus consists of."""
    programs = [Path(required(name, "prometheus")).resolve() for name in ("prometheus", "promtool")]
    for folder in ("bin", "etc/prometheus", "prometheus", "tmp", "usr/share"):
        (tree / folder).mkdir(parents=True)
    for program in programs:
        shutil.copy(program, tree / "bin")
    for library in re.findall(r"(/\S+) \(", _run("ldd", programs[0])):
        _copy_below(tree, Path(library))
    _add_busybox(tree / "bin")
    if (pages := Path("/usr/share/prometheus")).is_dir():  # Debian keeps them beside the program
        shutil.copytree(pages, tree / "usr" / "share" / "prometheus")
    users = ("root:x:0:0:root:/root:/bin/sh", "nobody:x:65534:65534:nobody:/home:/bin/false")
    (tree / "etc" / "passwd").write_text("\n".join(users) + "\n")
    (tree / "tmp").chmod(0o1777)
    for folder in ("prometheus", "etc/prometheus"):
        os.chown(tree / folder, 65534, 65534)


def _add_busybox(folder: Path) -> None:
    busybox = Path(required("busybox", "busybox-static")).resolve()
    if "/" in _run("ldd", busybox, accepted=(0, 1)).replace(str(busybox), ""):
        raise MissingToolError("busybox wants libraries: make test-image installs Debian's busybox-static")
    shutil.copy(busybox, folder / "busybox")
    for applet in _run(busybox, "--list").split():
        if not (folder / applet).exists():
            (folder / applet).symlink_to("busybox")


def _copy_below(tree: Path, file: Path) -> None:
    place = tree / file.relative_to("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, place)


PYTHON = StandIn(
    "python:3.13-slim",
    "python-3.13-1.tar",
    ("ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", 'CMD ["python3"]'),
    _make_python,
)

PROMETHEUS = StandIn(
    "prom/prometheus:v3.13.3",
    "prometheus-1.tar",
    (
        "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "USER nobody",
        "EXPOSE 9090",
        "VOLUME /prometheus",
        'ENTRYPOINT ["/bin/prometheus"]',
        'CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]',
    ),
    _make_prometheus,
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
        raise MissingToolError(f"{missing.filename} is not on this machine") from None
    if done.returncode not in accepted:
        raise MissingToolError(f"{Path(command[0]).name} failed:\n{done.stdout[-2000:]}")
    return done.stdout
