"""What AWS bills for each type of resource. Add a new type to one of the tables here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from local.costs.plan import Plan, Resource
from local.costs.prices import CostError


@dataclass(frozen=True, slots=True)
class Item:
    """A number of units with a price, in one row of the bill."""

    row: str
    price: str
    count: float


Rule = Callable[[Plan, Resource], Iterator[Item]]

GB_OF_SAMPLES = 1.0
"""Prometheus' data on EFS, the same in dev and prod: it scrapes one service."""

GB_OF_SAMPLES_WRITTEN = 5.0
"""Its writes to EFS in a month."""

GB_OF_IMAGES = 1.0
"""In each repository: images share their layers."""

INSIGHTS_OF_CLUSTER, INSIGHTS_OF_SERVICE = 11, 21
"""Metrics of container insights: of the cluster; of each service and its task definition's family. Counted by us, in
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/appinsights-metrics-ecs.html (November 2026)."""


def _service(plan: Plan, service: Resource) -> Iterator[Item]:
    task = plan.beside(service, "aws_ecs_task_definition").values
    count = service.values["desired_count"]
    architecture = task["runtime_platform"][0]["cpu_architecture"]
    suffix = "" if architecture == "X86_64" else f" on {architecture}"
    yield Item("tasks", f"vCPU of Fargate{suffix}", count * int(task["cpu"]) / 1024)
    yield Item("tasks", f"GB of Fargate{suffix}", count * int(task["memory"]) / 1024)
    if service.values["network_configuration"][0]["assign_public_ip"]:
        yield Item("public IPv4 addresses", "public IPv4 address", count)


def _load_balancer(plan: Plan, balancer: Resource) -> Iterator[Item]:
    yield Item("load balancers", "load balancer", 1)
    if not balancer.values["internal"]:
        yield Item("public IPv4 addresses", "public IPv4 address", plan.count("aws_subnet", "public"))


def _endpoint(plan: Plan, endpoint: Resource) -> Iterator[Item]:
    if endpoint.values["vpc_endpoint_type"] == "Interface":
        yield Item("interface endpoints", "interface endpoint in a zone", plan.count("aws_subnet", "private"))


def _database(plan: Plan, database: Resource) -> Iterator[Item]:
    suffix = " Multi-AZ" if database.values["multi_az"] else ""
    yield Item("database", f"{database.values['instance_class']}{suffix}", 1)
    yield Item("database", f"GB of gp3{suffix}", database.values["allocated_storage"])
    if database.values["manage_master_user_password"]:
        yield Item("secrets, zones, images, files", "secret", 1)


_VCPUS = {"micro": 2, "small": 2, "medium": 2, "large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16}


def _proxy(plan: Plan, proxy: Resource) -> Iterator[Item]:
    size = plan.beside(proxy, "aws_db_instance").values["instance_class"].rpartition(".")[2]
    yield Item("RDS Proxy", "vCPU behind RDS Proxy", _VCPUS[size])


def _cache(plan: Plan, group: Resource) -> Iterator[Item]:
    engine = str(group.values["engine"]).capitalize()
    yield Item("cache", f"{group.values['node_type']} of {engine}", group.values["num_cache_clusters"])


def _alarm(plan: Plan, alarm: Resource) -> Iterator[Item]:
    """Yield the alarm as AWS bills it: by its metrics."""
    metrics = [query for query in alarm.values.get("metric_query", ()) if query.get("metric")]
    yield Item("alarms and dashboard", "alarm on a metric", len(metrics) or 1)


def _policy(plan: Plan, policy: Resource) -> Iterator[Item]:
    if policy.values["policy_type"] == "TargetTrackingScaling":
        yield Item("alarms and dashboard", "alarm on a metric", 2)  # created by AWS: to scale out, and in


def _cluster(plan: Plan, cluster: Resource) -> Iterator[Item]:
    if any(each["name"] == "containerInsights" and each["value"] != "disabled" for each in cluster.values["setting"]):
        services = sum(1 for each in plan.resources if each.type == "aws_ecs_service")
        yield Item("custom metrics", "custom metric", INSIGHTS_OF_CLUSTER + INSIGHTS_OF_SERVICE * services)


def _files(plan: Plan, system: Resource) -> Iterator[Item]:
    yield Item("secrets, zones, images, files", "GB of EFS", GB_OF_SAMPLES)
    yield Item("secrets, zones, images, files", "GB written to EFS", GB_OF_SAMPLES_WRITTEN)


def _web_acl(plan: Plan, acl: Resource) -> Iterator[Item]:
    yield Item("WAF", "web ACL", 1)
    yield Item("WAF", "rule of a web ACL", len(acl.values["rule"]))


def _each(row: str, price: str, count: float = 1) -> Rule:
    """Return the rule of a resource whose price does not depend on its configuration."""

    def rule(plan: Plan, resource: Resource) -> Iterator[Item]:
        yield Item(row, price, count)

    return rule


RULES: dict[str, Rule] = {
    "aws_ecs_service": _service,
    "aws_lb": _load_balancer,
    "aws_nat_gateway": _each("NAT gateways", "NAT gateway"),
    "aws_vpc_endpoint": _endpoint,
    "aws_eip": _each("public IPv4 addresses", "public IPv4 address"),
    "aws_db_instance": _database,
    "aws_db_proxy": _proxy,
    "aws_elasticache_replication_group": _cache,
    "aws_cloudwatch_metric_alarm": _alarm,
    "aws_appautoscaling_policy": _policy,
    "aws_cloudwatch_dashboard": _each("alarms and dashboard", "dashboard"),
    "aws_ecs_cluster": _cluster,
    "aws_cloudwatch_log_metric_filter": _each("custom metrics", "custom metric"),
    "aws_secretsmanager_secret": _each("secrets, zones, images, files", "secret"),
    "aws_service_discovery_private_dns_namespace": _each("secrets, zones, images, files", "hosted zone"),
    "aws_ecr_repository": _each("secrets, zones, images, files", "GB of images", GB_OF_IMAGES),
    "aws_efs_file_system": _files,
    "aws_wafv2_web_acl": _web_acl,
}

ROWS = (
    "tasks",
    "load balancers",
    "NAT gateways",
    "interface endpoints",
    "public IPv4 addresses",
    "database",
    "RDS Proxy",
    "cache",
    "alarms and dashboard",
    "custom metrics",
    "secrets, zones, images, files",
    "WAF",
)
"""The rows of the bill, in their order."""

BY_USE = {
    "aws_cloudwatch_log_group": "by the GB written",
    "aws_flow_log": "by the GB written; refused traffic only",
    "aws_sns_topic": "by the message",
    "aws_s3_bucket": "by the GB kept; what load balancers log is dropped after 90 days",
}
"""Types that cost only by use."""

FREE = {
    "aws_appautoscaling_scheduled_action",
    "aws_appautoscaling_target",
    "aws_cloudformation_stack",
    "aws_cloudwatch_query_definition",
    "aws_db_parameter_group",
    "aws_db_proxy_default_target_group",
    "aws_db_proxy_target",
    "aws_db_subnet_group",
    "aws_default_security_group",
    "aws_ecr_lifecycle_policy",
    "aws_ecs_cluster_capacity_providers",
    "aws_ecs_task_definition",
    "aws_efs_access_point",
    "aws_efs_file_system_policy",
    "aws_efs_mount_target",
    "aws_elasticache_parameter_group",
    "aws_elasticache_subnet_group",
    "aws_elasticache_user",
    "aws_elasticache_user_group",
    "aws_iam_openid_connect_provider",
    "aws_iam_policy",
    "aws_iam_role",
    "aws_iam_role_policy",
    "aws_iam_role_policy_attachment",
    "aws_internet_gateway",
    "aws_lb_listener",
    "aws_lb_listener_rule",
    "aws_lb_target_group",
    "aws_route",
    "aws_route53_record",
    "aws_route_table",
    "aws_route_table_association",
    "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_policy",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_secretsmanager_secret_version",
    "aws_security_group",
    "aws_service_discovery_service",
    "aws_subnet",
    "aws_vpc",
    "aws_vpc_security_group_egress_rule",
    "aws_vpc_security_group_ingress_rule",
    "aws_wafv2_web_acl_association",
    "aws_wafv2_web_acl_logging_configuration",
    "terraform_data",
}
"""Types that are free."""


def items(plan: Plan) -> Iterator[Item]:
    """Yield the items of the bill.

    Raises:
        CostError: of one it is not known.
    """
    for resource in plan.resources:
        if resource.type in RULES:
            yield from RULES[resource.type](plan, resource)
        elif resource.type not in FREE and resource.type not in BY_USE:
            raise CostError(
                f"{resource.address}: local/costs/rules.py does not say what {resource.type} costs, or that it is free."
            )
