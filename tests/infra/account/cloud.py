"""An emulated AWS in a process of its own on a free port, and the environment in which clients reach only that."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]

from local.ports import LOOPBACK, accepts, free_port
from local.processes import Program
from tests.fixtures.servers import passed_on, running
from tests.infra.terraform import ROOT

REGION = "eu-west-1"
START_SECONDS = 60.0

# Few retries: Terraform would retry a call that the emulator lacks for many minutes.
IMPATIENT = """\
provider "aws" {
  max_retries = 4
}
"""


@dataclass(frozen=True, slots=True)
class Cloud:
    """A running emulated AWS."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        """The endpoint of every service: an address, since S3 would put the bucket before a name."""
        return f"http://{LOOPBACK}:{self.port}"

    def environ(self) -> dict[str, str]:
        """Return the environment in which every client reaches it, and no other AWS."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        """Return a boto3 client of a service."""
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
    program = Program(
        "the emulated AWS",
        [sys.executable, "-W", "ignore", "-m", "tests.infra.emulator", LOOPBACK, str(cloud.port)],
        log=cloud.log,
        environ={**passed_on(), "MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "AWS_EC2_METADATA_DISABLED": "true"},
        folder=ROOT,
    )
    with running(program, lambda: accepts(LOOPBACK, cloud.port), START_SECONDS):
        yield cloud
