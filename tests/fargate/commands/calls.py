"""Calls of the adapter's command in a folder of the test's."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.fixtures.servers import ROOT, passed_on


def run(folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """Run `python -m fargate` with these arguments in a folder, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "fargate", *arguments],
        cwd=folder,
        env={**passed_on(), "PYTHONPATH": str(ROOT), **(environ or {})},
        capture_output=True,
        text=True,
        timeout=60,
    )
