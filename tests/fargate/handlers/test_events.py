"""An event is read from a file, an argument or standard input; what is wrong with it is said with its place."""

import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from fargate.errors import ConfigurationError
from fargate.handlers.events import read_event

BROKEN = '{\n  "id": 1,,\n}'
NO_EVENT = "There is no event: --event FILE, --event - for standard input, --event '{...}', or --sample"


def give_stdin(monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))


@pytest.mark.parametrize("source", [None, "-"])
def test_from_standard_input(monkeypatch: pytest.MonkeyPatch, source: str | None) -> None:
    give_stdin(monkeypatch, '\ufeff{"name": "Größe"}\n'.encode())
    assert read_event(source) == {"name": "Größe"}


@pytest.mark.parametrize(("text", "event"), [('{"id": 1}', {"id": 1}), (' [1, "é"]', [1, "é"])])
def test_from_the_argument_itself(text: str, event: Any) -> None:
    assert read_event(text) == event


@pytest.mark.parametrize("text", ['"text"', "1.5", "null", "{}"])
def test_from_a_file_any_json(tmp_path: Path, text: str) -> None:
    file = tmp_path / "event.json"
    file.write_text(text)
    assert read_event(str(file)) == {"null": None, '"text"': "text", "1.5": 1.5, "{}": {}}[text]


def test_a_fault_is_named_with_its_line_and_column(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text(BROKEN)
    give_stdin(monkeypatch, BROKEN.encode())
    why = "is not JSON: line 2, column 11: Expecting property name enclosed in double quotes"
    for source, subject in ((str(file), f"The event in {file}"), ("-", "The event from standard input")):
        with pytest.raises(ConfigurationError) as error:
            read_event(source)
        assert str(error.value) == f"{subject} {why}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "The event cannot be read: No such file or directory: "),
        (b"\xff", " is not UTF-8: "),
        (b"", " is not JSON: "),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "event.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=message):
        read_event(str(file))


def test_one_that_is_nested_too_deep() -> None:
    with pytest.raises(ConfigurationError, match="The event is nested too deep"):
        read_event("[" * 100_000)


@pytest.mark.parametrize("source", [None, "-"])
def test_nothing_on_standard_input(monkeypatch: pytest.MonkeyPatch, source: str | None) -> None:
    give_stdin(monkeypatch, b"\n")
    with pytest.raises(ConfigurationError) as error:
        read_event(source)
    assert str(error.value) == NO_EVENT


def test_a_terminal_is_not_read_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    with open(ours, "wb", buffering=0) as keyboard, open(theirs) as terminal:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdin", terminal)
        with pytest.raises(ConfigurationError) as error:
            read_event(None)
        assert str(error.value) == NO_EVENT
        keyboard.write(b"{}\n\x04")
        assert read_event("-") == {}
