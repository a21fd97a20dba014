"""An example environment on an emulated AWS that holds only the prerequisites."""

import json
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.infra.account.cloud import IMPATIENT, Cloud
from tests.infra.account.inventory import inventory
from tests.infra.terraform import Terraform, scratch_tree

PARALLEL = "-parallelism=30"


@dataclass(frozen=True, slots=True)
class Given:
    """The prerequisites in an account, and the variables that name them."""

    sns_topic: str
    certificate_arn: str
    zone_id: str
    prometheus_web_config_secret_arn: str

    def arguments(self) -> list[str]:
        """Return the arguments that override an example's account."""
        return [f"-var={name}={getattr(self, name)}" for name in self.__dataclass_fields__]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one attribute in a plan."""

    type: str
    attribute: str
    address: str
    before: Any = field(compare=False)
    after: Any = field(compare=False)


class Environment:
    """A scratch copy of one of the examples, and the emulated AWS that it is applied to."""

    def __init__(self, name: str, terraform: Terraform, cloud: Cloud, scratch: Path) -> None:
        self.name = name
        self.full_name = f"{name}-chalice-app"
        self.cloud = cloud
        self.given = _given(cloud)
        self.beforehand = inventory(cloud)
        self.seconds: dict[str, float] = {}
        self.plan: dict[str, Any] = {}  # the last one
        root = scratch_tree(scratch)
        (root / "backend.tf").unlink()  # the state is local, not in Terraform Cloud
        (root / "zz_impatient_override.tf").write_text(IMPATIENT, encoding="utf-8")
        self._folder = terraform.folder(root, cloud.environ())
        self._arguments = [f"-var-file=examples/{name}.tfvars", *self.given.arguments()]

    def apply(self, *arguments: str, step: str = "apply") -> str:
        """Apply it; the arguments override its variables."""
        with self._timed(step):
            return self._run("apply", "-auto-approve", PARALLEL, *self._arguments, *arguments)

    def destroy(self, *arguments: str) -> str:
        """Destroy all of it."""
        with self._timed("destroy"):
            return self._run("destroy", "-auto-approve", PARALLEL, *self._arguments, *arguments)

    def changes(self) -> list[Change]:
        """Plan again, and return the changes by attribute."""
        with self._timed("plan"):
            self._run("plan", "-out=again.tfplan", PARALLEL, *self._arguments)
        self.plan = json.loads(self._run("show", "-json", "again.tfplan"))
        return [change for resource in self.plan.get("resource_changes", ()) for change in _changes(resource)]

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """Its outputs after it was applied."""
        return self._folder.outputs()

    def setting(self, name: str, default: str) -> str:
        """Return an optional variable of the example, a number or a boolean, as it is written."""
        found = re.search(rf"^{name}\s*=\s*(\S+)$", self._example(), re.MULTILINE)
        return found[1] if found else default

    def variable(self, name: str) -> str:
        """Return a variable of the example."""
        (value,) = re.findall(rf'^{name}\s*=\s*"([^"]*)"', self._example(), re.MULTILINE)
        return str(value)

    def _example(self) -> str:
        return (self._folder.path / "examples" / f"{self.name}.tfvars").read_text(encoding="utf-8")

    def left(self) -> set[tuple[str, str]]:
        """Return what was created in the account, by kind and id; tests create only `twin/`."""
        left = inventory(self.cloud) - self.beforehand
        return {(kind, id) for kind, id in left if not id.startswith("twin/")}

    def resources(self) -> list[dict[str, Any]]:
        """Return every resource in its state."""
        return self._folder.state()

    def addresses(self) -> list[str]:
        """Return the addresses in its state."""
        return [resource["address"] for resource in self.resources()]

    def state_text(self) -> str:
        """Return the state file."""
        path = self._folder.path / "terraform.tfstate"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def _run(self, *words: str) -> str:
        return self._folder.run(*words)

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self.seconds[step] = time.monotonic() - start


def _given(cloud: Cloud) -> Given:
    topic = cloud.client("sns").create_topic(Name="on-call")["TopicArn"]
    certificate = cloud.client("acm").request_certificate(DomainName="*.example.com")["CertificateArn"]
    zone = cloud.client("route53").create_hosted_zone(Name="example.com", CallerReference="given")["HostedZone"]["Id"]
    web_config = cloud.client("secretsmanager").create_secret(
        Name="prometheus-web-config", SecretString=f"basic_auth_users: {{on-call: {secrets.token_hex(8)}}}"
    )
    return Given(topic, certificate, zone.removeprefix("/hostedzone/"), web_config["ARN"])


def _changes(resource: dict[str, Any]) -> Iterator[Change]:
    """Yield the attributes of a resource that change; `*` if it is created or removed."""
    change = resource["change"]
    if change["actions"] in (["no-op"], ["read"]):
        return
    before, after = change["before"], change["after"]
    if not before or not after:
        yield Change(resource["type"], "*", resource["address"], before, after)
        return
    unknown = change.get("after_unknown") or {}
    for name in sorted(before.keys() | after.keys()):
        if unknown.get(name) is True or before.get(name) != after.get(name):
            yield Change(resource["type"], name, resource["address"], before.get(name), after.get(name))
