"""The rows of docs/compatibility.md."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "compatibility.md"


def threads_of(repository: str) -> list[int]:
    """Return the numbers of a section's rows in their order; a row begins with a link to its thread."""
    section = PAGE.read_text(encoding="utf-8").partition(f"## {repository}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
    links = [row.split(" | ")[0] for row in rows]
    pattern = re.compile(rf"\| \[#(\d+)\]\(https://github\.com/{repository}/(?:issues|pull)/\1\)")
    assert [link for link in links if not pattern.fullmatch(link)] == []
    return [int(re.findall(r"\d+", link)[0]) for link in links]
