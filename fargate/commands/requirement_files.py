"""The files of requirements that pip will read: `requirements.txt`, and those that it names."""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from os.path import normpath
from pathlib import Path

from fargate.errors import ConfigurationError

FIRST = "requirements.txt"
_NAMED = re.compile(r"^[ \t]*(?:-[rc][ \t]*|--(?:requirement|constraint)[ \t=]+)([^\s:]+)(?=\s|$)", re.MULTILINE)
"""A line that names another file. A URL has a colon; pip fetches it by itself."""


def requirement_files(folder: Path) -> tuple[str, ...]:
    """Return their paths from the project's folder, `requirements.txt` first; none if there is no such file.

    Raises:
        ConfigurationError: a file that one names is missing, or outside of the folder, where no build can read it.
    """
    found = [FIRST] if (folder / FIRST).is_file() else []
    for file in found:  # which grows
        found += [named for named in _named_by(folder, file) if named not in found]
    return tuple(found)


def are_hashed(folder: Path, files: tuple[str, ...]) -> bool:
    """Tell whether a requirement has a hash; pip then wants one for each."""
    return any("--hash" in _text(folder / file) for file in files)


def _text(file: Path) -> str:
    """Return a file's text. pip reads other encodings too, as PowerShell writes them."""
    content = file.read_bytes()
    return content.decode("utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8", "replace")


def _named_by(folder: Path, file: str) -> list[str]:
    names = _NAMED.findall(_text(folder / file))
    named = [normpath(Path(file).parent / name) for name in names]
    for each in named:
        if Path(each).is_absolute() or each.startswith(".."):
            raise ConfigurationError(f"{file} names {each}, which is outside of this folder: no build can read it")
        if not (folder / each).is_file():
            raise ConfigurationError(f"{file} names {each}, which is not there")
    return named
