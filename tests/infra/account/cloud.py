"""The emulated AWS of a test: a process of its own on a free port, and how clients reach it and no other."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]

from local.ports import LOOPBACK, accepts, free_port
from local.processes import Child, Program, require_ready
from tests.fixtures.servers import passed_on
from tests.infra.terraform import ROOT

REGION = "eu-west-1"
START_SECONDS = 60.0

# A call that the emulator lacks would otherwise be tried again for many minutes; one that stumbled deserves a few.
IMPATIENT = """\
provider "aws" {
  max_retries = 4
}
"""


@dataclass(frozen=True, slots=True)
class Cloud:
    """An emulated AWS that runs."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        """Its one endpoint for everything: by address, as S3 would put buckets before a name."""
        return f"http://{LOOPBACK}:{self.port}"

    def environ(self) -> dict[str, str]:
        """Return the environment that leads every client to it, and to nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        """Return a client of boto3 for a service."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


@contextlib.contextmanager
def emulated(folder: Path) -> Iterator[Cloud]:
    """Run an empty AWS."""
    cloud = Cloud(free_port(), folder / "emulator.log")
    child = Child(
        Program(
            "the emulated AWS",
            [sys.executable, "-W", "ignore", "-m", "tests.infra.emulator", LOOPBACK, str(cloud.port)],
            log=cloud.log,
            environ={**passed_on(), "MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "AWS_EC2_METADATA_DISABLED": "true"},
            folder=ROOT,
        )
    )
    try:
        require_ready(child, lambda: accepts(LOOPBACK, cloud.port), START_SECONDS)
        yield cloud
    finally:
        child.end()
