"""The runbook's commands work."""

import re
import subprocess
import sys

import redis

from tests.fixtures.servers import ROOT, passed_on

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")


def test_its_command_to_empty_the_cache_deletes_only_products(redis_url: str, database_url: str) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", RUNBOOK, re.DOTALL)
    environ = {**passed_on(), "REDIS_URL": redis_url, "DATABASE_URL": database_url}
    with redis.Redis.from_url(redis_url) as client:
        client.mset({f"p1:{number}": "{}" for number in range(2500)} | {"another": "1"})
        command = [sys.executable, "-c", program]
        ran = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=True)
        assert ran.stdout == "2500 entries deleted\n"
        assert client.keys() == [b"another"]


def test_every_query_that_it_names_is_saved() -> None:
    saved = {file.stem for file in (ROOT / "terraform/modules/observability/queries").glob("*.query")}
    documents = [RUNBOOK, (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")]
    named = set(re.findall(r"[Qq]uer(?:y|ies)\s+`([a-z-]+)`", " ".join(documents)))
    assert named
    assert named <= saved
    assert saved <= set(re.findall(r"`([a-z-]+)`", documents[1]))


def test_every_section_that_it_sends_to_exists() -> None:
    sections = {
        re.sub(r"[^\w -]", "", line.strip("# ").lower()).replace(" ", "-")
        for line in RUNBOOK.splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([\w-]+)\)", RUNBOOK)) <= sections
