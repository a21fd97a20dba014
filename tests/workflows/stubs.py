"""Stubs of docker, aws, terraform and others: each records its calls, and gives the answers that a test has set.

A call that no answer was given for fails, so a script can do nothing that a test did not foresee.
"""

import contextlib
import marshal
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.workflows.tree import ROOT, SCRIPTS

PROGRAMS = ("docker", "aws", "terraform", "curl", "gh", "skopeo", "grype", "sha256sum", "tar")
READ_STDIN = ("--password-stdin", "--check")
"""Options that make a program read stdin to its end. A stub that ends earlier kills whatever writes to it."""

WATCHED = ("GRYPE_CHECK_FOR_APP_UPDATE", "AWS_ACCESS_KEY_ID", "TF_TOKEN_app_terraform_io")

# It imports what Python has loaded anyway: a deployment is more than a hundred calls, and json would double their time.
_STUB = """\
#!{python} -IS
import marshal, sys
from posix import environ

folder, name, words = {folder!r}, sys.argv[0].rpartition("/")[2], sys.argv[1:]
stdin = sys.stdin.read() if set(words).intersection({stdin!r}) else ""
watched = {{name: environ[name.encode()].decode() for name in {watched!r} if name.encode() in environ}}
with open(folder + "/calls", "ab") as calls:
    calls.write(marshal.dumps((name, words, stdin, watched)))

with open(folder + "/answers", "rb") as file:
    answers = marshal.load(file)
line = " ".join([name, *words])
fitting = [start for start in answers if line.startswith(start)]
if not fitting:
    sys.exit(f"this stub has no answer to: {{line}}")
start = max(fitting, key=len)
with open(f"{{folder}}/turn-{{list(answers).index(start)}}", "a+") as turn:
    number = turn.tell()
    turn.write(".")
answer = answers[start][min(number, len(answers[start]) - 1)]
wanted = answer["files"].items()
files = {{word[len(begin):]: text for begin, text in wanted for word in words if word.startswith(begin)}}
if answer["body"]:
    files[words[words.index("--output") + 1]] = answer["body"]
for path, text in files.items():
    with open(path, "w") as file:
        file.write(text)
sys.stdout.write(answer["stdout"])
sys.stderr.write(answer["stderr"])
sys.exit(answer["status"])
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """A program's output and exit status.

    `body` is what curl gets for its --output, `files` what is written to the path after a word's beginning: `json=`.
    """

    stdout: str = ""
    status: int = 0
    stderr: str = ""
    body: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


FAILS = Answer(status=1, stderr="it fails by order of the test\n")

Answers = Mapping[str, str | Answer | Sequence[str | Answer]]
"""The answers to calls by their beginning; the longest beginning that fits counts. Several answers come in turn."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a program."""

    program: str
    words: list[str]
    stdin: str
    environ: dict[str, str]

    @property
    def line(self) -> str:
        """The call as a command line."""
        return " ".join([self.program, *self.words])

    def option(self, name: str) -> str:
        """Return the value of an option."""
        for word, following in zip(self.words, [*self.words[1:], ""], strict=True):
            if word == name:
                return following
            if word.startswith(f"{name}="):
                return word.removeprefix(f"{name}=")
        raise AssertionError(f"no {name} in: {self.line}")


@dataclass(frozen=True, slots=True)
class Done:
    """The end of a script."""

    status: int
    output: str

    @property
    def error(self) -> str:
        """The error that GitHub shows; empty if there is none."""
        said = [line.removeprefix("::error::") for line in self.output.splitlines() if line.startswith("::error::")]
        assert len(said) <= 1, self.output
        return said[0] if said else ""


@dataclass(frozen=True, slots=True)
class Machine:
    """A GitHub runner as scripts see it, with the stubs first on the PATH."""

    folder: Path
    answers: dict[str, list[Answer]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Create the stubs."""
        (self.folder / "bin").mkdir(parents=True)
        text = _STUB.format(python=sys.executable, folder=str(self.folder), stdin=READ_STDIN, watched=WATCHED)
        for name in PROGRAMS:
            program = self.folder / "bin" / name
            program.write_text(text, encoding="utf-8")
            program.chmod(0o755)

    def stub(self, answers: Answers) -> "Machine":
        """Set the stubs' answers; they replace earlier answers to the same calls."""
        for start, given in answers.items():
            several = [given] if isinstance(given, str | Answer) else list(given)
            self.answers[start] = [Answer(each) if isinstance(each, str) else each for each in several]
        return self

    def run(self, script: str, *arguments: str, **environ: str) -> Done:
        """Run one of the scripts."""
        return self.shell([str(ROOT / SCRIPTS / script), *arguments], environ)

    def shell(self, command: Sequence[str], environ: Mapping[str, str]) -> Done:
        """Run a command with only these variables."""
        given = {start: [asdict(each) for each in given] for start, given in self.answers.items()}
        (self.folder / "answers").write_bytes(marshal.dumps(given))
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "TMPDIR": str(self.folder),
                "RUNNER_TEMP": str(self.folder),
                "GITHUB_PATH": str(self.folder / "path"),
                "GITHUB_OUTPUT": str(self.folder / "output"),
                "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
                **environ,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        return Done(done.returncode, done.stdout)

    @property
    def calls(self) -> list[Call]:
        """The calls of the stubs, in order."""
        written = self.folder / "calls"
        calls = []
        with contextlib.suppress(FileNotFoundError, EOFError), written.open("rb") as file:
            while True:
                calls.append(Call(*marshal.load(file)))
        return calls

    def called(self, start: str) -> list[Call]:
        """Return the calls with this beginning."""
        return [call for call in self.calls if call.line.startswith(start)]

    def call(self, start: str) -> Call:
        """Return the one call with this beginning."""
        (call,) = self.called(start)
        return call

    def text(self, name: str) -> str:
        """Return what scripts wrote for GitHub: `output`, `summary` or `path`."""
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.exists() else ""
