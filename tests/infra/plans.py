"""Plans of the examples on an empty emulated AWS: `python -m tests.infra.plans FOLDER NAME...` writes NAME.json."""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.infra.account.cloud import emulated
from tests.infra.environments import Environment
from tests.infra.terraform import find_terraform


def main(folder: Path, names: Sequence[str]) -> None:
    """Plan each; nothing is applied."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        terraform = find_terraform(Path(scratch))
        for name in names:
            with emulated(Path(scratch)) as cloud:  # one each, so that each has an empty account
                environment = Environment(name, terraform, cloud, Path(scratch) / name)
                environment.changes()
            (folder / f"{name}.json").write_text(json.dumps(environment.plan), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
