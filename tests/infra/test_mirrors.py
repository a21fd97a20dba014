"""Where the provider is looked for, and the error if it is missing."""

from pathlib import Path

import pytest

from local.errors import MissingProgramError
from tests.infra.terraform import MIRROR, mirrors


def mirror(at: Path) -> Path:
    """Create a mirror with the provider."""
    (at / "registry.terraform.io" / "hashicorp" / "aws").mkdir(parents=True)
    return at


def test_the_named_mirror_comes_first(tmp_path: Path) -> None:
    named, near = mirror(tmp_path / "named"), mirror(tmp_path / "top" / "near")
    found = list(mirrors({MIRROR: str(named), "HOME": str(tmp_path)}, tmp_path / "top"))
    assert found == [named, near]


def test_a_named_mirror_without_the_provider_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingProgramError, match=f"{MIRROR}=.* holds no"):
        next(mirrors({MIRROR: str(tmp_path)}, tmp_path))


@pytest.mark.parametrize("place", [".terraform.d/plugins", ".local/share/terraform/plugins"])
def test_the_usual_places_at_home_are_looked_at(place: str, tmp_path: Path) -> None:
    at_home = mirror(tmp_path / "home" / place)
    assert list(mirrors({"HOME": str(tmp_path / "home"), "XDG_DATA_DIRS": "/nowhere"}, tmp_path / "top")) == [at_home]


def test_the_usual_places_of_the_system_are_looked_at(tmp_path: Path) -> None:
    ours = mirror(tmp_path / "ours" / "terraform" / "plugins")
    shared = mirror(tmp_path / "shared" / "terraform" / "plugins")
    environ = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "ours"), "XDG_DATA_DIRS": f"/x:{tmp_path}/shared"}
    assert list(mirrors(environ, tmp_path / "top")) == [ours, shared]


def test_anything_near_the_top_of_the_disk_is_found_and_nothing_deeper(tmp_path: Path) -> None:
    found = [mirror(tmp_path), mirror(tmp_path / "a"), mirror(tmp_path / "a" / "b")]
    mirror(tmp_path / "a" / "b" / "c")
    assert list(mirrors({"HOME": "/nowhere", "XDG_DATA_DIRS": "/nowhere"}, tmp_path)) == found


def test_an_empty_mirror_is_none(tmp_path: Path) -> None:
    (tmp_path / "registry.terraform.io").mkdir()
    assert list(mirrors({"HOME": str(tmp_path), "XDG_DATA_DIRS": "/nowhere"}, tmp_path)) == []
