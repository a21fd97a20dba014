"""The package that `make lambda-package` writes, and a folder like the one in which Lambda unpacks it."""

import json
import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from tests.fixtures.servers import ROOT, passed_on

SECONDS = 100.0

# The libraries of AWS's Python runtime: its client, and boto3 with its requirements.
BROUGHT_BY_LAMBDA = (
    "awslambdaric",
    "boto3",
    "botocore",
    "jmespath",
    "python-dateutil",
    "s3transfer",
    "simplejson",
    "six",
    "snapshot-restore-py",
    "urllib3",
)


HERE = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower(), "")
"""This machine's architecture, by Lambda's name."""

# The values of a deployment (docs/lambda.md). REVISION is left out on purpose.
VALUES = {
    "API_KEYS_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod-chalice-app-api-keys-AbCdEf",
    "CERTIFICATE_ARN": "arn:aws:acm:eu-west-1:123456789012:certificate/00000000-0000-0000-0000-000000000000",
    "DATABASE_LOGIN_ARN": "arn:aws:rds-db:eu-west-1:123456789012:dbuser:prx-0abc/shop_service_password",
    "DATABASE_URL": "postgresql://shop_service_password@shop.proxy-abc.eu-west-1.rds.amazonaws.com:5432/shop?sslmode=verify-full",
    "DOMAIN_NAME": "shop.example.com",
    "PRIVATE_SUBNET_IDS": "subnet-0a,subnet-0b,subnet-0c",
    "REDIS_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod-chalice-app-cache-AbCdEf",
    "REDIS_URL": "rediss://cache.example:6379/0",
    "TASK_SECURITY_GROUP_ID": "sg-0a",
}


class NotPackagedError(Exception):
    """The package could not be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Package:
    """A stage's package."""

    zipped: Path
    template: dict[str, Any]
    output: str  # of the packaging

    @property
    def environ(self) -> dict[str, str]:
        """The function's environment variables."""
        variables: dict[str, str] = self.template["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
        given = {name: value for name, value in variables.items() if name not in VALUES}
        return {**given, "DATABASE_IAM_AUTH": "false"}  # the tests' PostgreSQL has no IAM authentication

    def sizes(self) -> dict[str, int]:
        """Return the size of each file in bytes, by path."""
        with ZipFile(self.zipped) as file:
            return {entry.filename: entry.file_size for entry in file.infolist()}

    def unpack(self, folder: Path) -> Path:
        """Unpack the package, as Lambda does."""
        with ZipFile(self.zipped) as file:
            file.extractall(folder)
        return folder

    def distributions(self) -> set[str]:
        """Return the names of the packaged distributions."""
        found = (re.match(r"([^/]+?)-[^/-]+\.dist-info/METADATA$", name) for name in self.sizes())
        return {match[1].replace("_", "-").lower() for match in found if match}


def package(stage: str, into: Path, architecture: str | None = None, checkout: Path = ROOT) -> Package:
    """Package a stage of a checkout, for `architecture` or the configured one.

    Raises:
        NotPackagedError: it cannot be; pip has no wheel at hand, for example.
    """
    command = [sys.executable, str(checkout / ".chalice" / "package.py"), stage, "--into", str(into)]
    command += ["--architecture", architecture] if architecture else []
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    environ = {**passed_on(), **pip, **VALUES}
    run = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=SECONDS, check=False)
    if run.returncode:
        raise NotPackagedError(run.stdout + run.stderr)
    folder = into / stage / "package"
    template = json.loads((folder / "sam.json").read_text(encoding="utf-8"))
    return Package(folder / "deployment.zip", template, run.stdout)


def build_runtime(folder: Path) -> Path:
    """Make a folder with the libraries of AWS's runtime, and nothing else of this environment.

    Raises:
        metadata.PackageNotFoundError: something is not installed here.
    """
    folder.mkdir()
    for name in BROUGHT_BY_LAMBDA:
        distribution = metadata.distribution(name)
        tops = {file.parts[0] for file in distribution.files or [] if file.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            (folder / top).symlink_to(Path(str(distribution.locate_file(top))))
    return folder
