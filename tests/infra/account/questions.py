"""What tests read from an AWS account about the service: with boto3, not from Terraform's state."""

import json
from dataclasses import dataclass
from typing import Any

from tests.infra.account.cloud import Cloud

ANYWHERE = {"0.0.0.0/0", "::/0"}


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a task definition."""

    definition: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        """Its plain environment."""
        return {each["name"]: each["value"] for each in self.definition.get("environment", ())}

    @property
    def secrets(self) -> dict[str, str]:
        """The secret of each of its other variables."""
        return {each["name"]: each["valueFrom"] for each in self.definition.get("secrets", ())}


@dataclass(frozen=True, slots=True)
class Opening:
    """A rule of a security group, for incoming or outgoing traffic."""

    group: str  # the group's name
    inwards: bool
    port: int | None  # None: any
    peer: str  # an address range, a prefix list's id, or another group's name


class Account:
    """One environment's part of an account."""

    def __init__(self, cloud: Cloud, name: str) -> None:
        self.cloud = cloud
        self.name = name

    def service(self, suffix: str = "") -> dict[str, Any]:
        """Describe the ECS service of that name."""
        ecs = self.cloud.client("ecs")
        found = ecs.describe_services(cluster=self.name, services=[self.name + suffix])["services"]
        assert found, f"no service {self.name + suffix}"
        return dict(found[0])

    def task(self, suffix: str = "") -> dict[str, Any]:
        """Describe the task definition that the service runs; the migration has no service, so its newest one."""
        arn = self.name + suffix if suffix == "-migration" else self.service(suffix)["taskDefinition"]
        return dict(self.cloud.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"])

    def containers(self, suffix: str = "") -> dict[str, Container]:
        """Return the containers of that task."""
        return {each["name"]: Container(each) for each in self.task(suffix)["containerDefinitions"]}

    def main_container(self, suffix: str = "") -> Container:
        """Return the container that the load balancer reaches."""
        return self.containers(suffix)[self.service(suffix)["loadBalancers"][0]["containerName"]]

    def load_balancers(self) -> dict[str, dict[str, Any]]:
        """Return the load balancers by name."""
        found = self.cloud.client("elbv2").describe_load_balancers()["LoadBalancers"]
        return {each["LoadBalancerName"]: each for each in found}

    def listeners(self, balancer: str) -> dict[int, dict[str, Any]]:
        """Return a load balancer's listeners by port, each with its `Rules`."""
        client = self.cloud.client("elbv2")
        listeners = client.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
        return {
            each["Port"]: {**each, "Rules": client.describe_rules(ListenerArn=each["ListenerArn"])["Rules"]}
            for each in listeners
        }

    def database(self) -> dict[str, Any]:
        """Describe the database."""
        return dict(self.cloud.client("rds").describe_db_instances(DBInstanceIdentifier=self.name)["DBInstances"][0])

    def cache(self) -> dict[str, Any]:
        """Describe the cache."""
        client = self.cloud.client("elasticache")
        return dict(client.describe_replication_groups(ReplicationGroupId=self.name)["ReplicationGroups"][0])

    def alarms(self) -> list[dict[str, Any]]:
        """Return every alarm."""
        pages = self.cloud.client("cloudwatch").get_paginator("describe_alarms").paginate()
        return [alarm for page in pages for alarm in page["MetricAlarms"]]

    def log_groups(self) -> dict[str, dict[str, Any]]:
        """Return every log group by name."""
        pages = self.cloud.client("logs").get_paginator("describe_log_groups").paginate()
        return {group["logGroupName"]: group for page in pages for group in page["logGroups"]}

    def records(self, zone: str) -> dict[tuple[str, str], dict[str, Any]]:
        """Return a zone's records by name and type."""
        found = self.cloud.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        return {(each["Name"].removesuffix("."), each["Type"]): each for each in found}

    def secret(self, arn: str) -> str:
        """Return a secret's value."""
        return str(self.cloud.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])

    def role_statements(self, role: str) -> list[dict[str, Any]]:
        """Return every statement of a role's own policies, inline and attached ones that we made."""
        iam = self.cloud.client("iam")
        role = role.rpartition("/")[2]
        documents = [
            iam.get_role_policy(RoleName=role, PolicyName=each)["PolicyDocument"]
            for each in iam.list_role_policies(RoleName=role)["PolicyNames"]
        ]
        for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            version = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]["DefaultVersionId"]
            policy = iam.get_policy_version(PolicyArn=attached["PolicyArn"], VersionId=version)
            documents.append(policy["PolicyVersion"]["Document"])
        parsed = [json.loads(each) if isinstance(each, str) else each for each in documents]
        return [statement for document in parsed for statement in document["Statement"]]

    def openings(self) -> set[Opening]:
        """Return every rule of every security group of the environment, the groups by their names."""
        groups = self.cloud.client("ec2").describe_security_groups()["SecurityGroups"]
        names = {group["GroupId"]: group["GroupName"] for group in groups}
        return {
            Opening(group["GroupName"], inwards, rule.get("FromPort"), names.get(peer, peer))
            for group in groups
            if group["GroupName"].startswith(self.name)
            for inwards, rules in ((True, group["IpPermissions"]), (False, group["IpPermissionsEgress"]))
            for rule in rules
            for peer in _peers(rule)
        }


def _peers(rule: dict[str, Any]) -> list[str]:
    return [
        *(each["CidrIp"] for each in rule.get("IpRanges", ())),
        *(each["CidrIpv6"] for each in rule.get("Ipv6Ranges", ())),
        *(each["PrefixListId"] for each in rule.get("PrefixListIds", ())),
        *(each["GroupId"] for each in rule.get("UserIdGroupPairs", ())),
    ]


def as_list(value: Any) -> list[Any]:
    """Return a list; a policy may write a single value without one."""
    return value if isinstance(value, list) else [value]
