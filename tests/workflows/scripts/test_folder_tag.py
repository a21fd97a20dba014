"""The tag of Prometheus' image changes exactly when the files in the image change."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.workflows.tree import ROOT, SCRIPTS

PROMETHEUS = ROOT / "prometheus"
COMMITTER = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository with the script and a copy of prometheus/."""

    folder: Path

    def git(self, *words: str) -> None:
        subprocess.run(["git", *COMMITTER, *words], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def commit(self, files: Mapping[str, str]) -> "Repository":
        """Write or append to some files, and commit all."""
        for name, text in files.items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8") as opened:
                opened.write(text)
        self.git("add", "--all")
        self.git("commit", "--message", "a commit", "--allow-empty")
        return self

    def tag(self) -> str:
        done = self.attempt()
        assert done.returncode == 0, done.stderr
        return done.stdout.removesuffix("\n")

    def attempt(self) -> "subprocess.CompletedProcess[str]":
        script = self.folder / SCRIPTS / "folder-tag.sh"
        return subprocess.run([script, "prometheus"], cwd="/", capture_output=True, text=True, timeout=60)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with one commit."""
    (tmp_path / SCRIPTS).mkdir(parents=True)
    shutil.copy(ROOT / SCRIPTS / "folder-tag.sh", tmp_path / SCRIPTS)
    shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    repository = Repository(tmp_path)
    repository.git("init", "--quiet")
    return repository.commit({"app.py": "pass\n"})


def test_a_commit_of_the_application_does_not_change_it(repository: Repository) -> None:
    before = repository.tag()
    assert re.fullmatch(r"tree-[0-9a-f]{40}", before)
    assert repository.commit({"app.py": "# more\n", "chalicelib/shop.py": "pass\n"}).tag() == before


@pytest.mark.parametrize("path", ["README.md", "tests/new.test.yml", "dashboards/shop.json"])
def test_files_outside_of_the_image_do_not_change_it(path: str, repository: Repository) -> None:
    before = repository.tag()
    assert repository.commit({f"prometheus/{path}": "\n"}).tag() == before


@pytest.mark.parametrize(
    "path", ["Dockerfile", "prometheus.yml", "rules/slo.yml", "rules/new.yml", "consoles/shop.html", "start"]
)
def test_files_in_the_image_change_it(path: str, repository: Repository) -> None:
    before = repository.tag()
    assert repository.commit({f"prometheus/{path}": "# more\n"}).tag() != before


def test_another_name_or_mode_is_another_image(repository: Repository) -> None:
    first = repository.tag()
    repository.git("mv", "prometheus/rules/slo.yml", "prometheus/rules/goals.yml")
    second = repository.commit({}).tag()
    (repository.folder / "prometheus" / "start").chmod(0o644)
    third = repository.commit({}).tag()
    assert len({first, second, third}) == 3


def test_a_reverted_folder_has_its_earlier_tag(repository: Repository) -> None:
    before = repository.tag()
    repository.commit({"prometheus/rules/slo.yml": "# a mistake\n"})
    repository.git("revert", "--no-edit", "HEAD")
    assert repository.tag() == before


def test_lines_that_go_on_are_read_to_their_end_and_other_stages_are_left_out(repository: Repository) -> None:
    more = "COPY --chmod=0644 \\\n    extra.yml \\\n    ./folder/ /etc/prometheus/\nCOPY --from=base /bin/sh /bin/sh\n"
    repository.commit({"prometheus/Dockerfile": more, "prometheus/extra.yml": "a", "prometheus/folder/a": ""})
    before = repository.tag()
    assert repository.commit({"prometheus/folder/a": "more"}).tag() != before


def test_a_copied_file_that_is_not_committed_is_an_error(repository: Repository) -> None:
    done = repository.commit({"prometheus/Dockerfile": "COPY secrets.yml /etc/prometheus/\n"}).attempt()
    assert done.returncode == 1
    assert done.stdout == ""
    assert "secrets.yml" in done.stderr


def test_everything_that_the_image_is_made_of_is_found_in_its_dockerfile() -> None:
    """COPY names these files, independent of the current prometheus/Dockerfile."""
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (PROMETHEUS / "Dockerfile").read_text(encoding="utf-8"), re.M)
    assert copied
    for name in " ".join(copied).split():
        assert name.startswith("--") or (PROMETHEUS / name).exists()
