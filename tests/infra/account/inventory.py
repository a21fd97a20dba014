"""All that exists in an account, by kind: `destroy` must leave none of it. The account is asked, not the state."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.infra.account.cloud import Cloud


@dataclass(frozen=True, slots=True)
class Kind:
    """How to list a kind of thing."""

    service: str
    operation: str
    list: str
    id: str | None = None  # None: the list is of ids
    arguments: dict[str, str] = field(default_factory=dict)

    def found(self, client: Any) -> set[str]:
        """Return the ids of all that exist."""
        if client.can_paginate(self.operation):
            pages = list(client.get_paginator(self.operation).paginate(**self.arguments))
        else:
            pages = [getattr(client, self.operation)(**self.arguments)]
        return {self._id(each) for page in pages for each in self._listed(page) if not _gone(each)}

    def _listed(self, page: dict[str, Any]) -> Iterable[Any]:
        """Return the list of a page; SQS leaves an empty one out."""
        return page.get(self.list, ()) if self.service == "sqs" else page[self.list]

    def _id(self, each: Any) -> str:
        return str(each[self.id] if self.id else each)


def _gone(each: Any) -> bool:
    """Return whether it is deleted but still listed, as NAT gateways are for an hour."""
    return isinstance(each, dict) and str(each.get("State", "")).lower() in ("deleted", "deleting")


_SCALING = {"ServiceNamespace": "ecs"}

KINDS = {
    "aws_appautoscaling_policy": Kind(
        "application-autoscaling", "describe_scaling_policies", "ScalingPolicies", "PolicyARN", _SCALING
    ),
    "aws_appautoscaling_scheduled_action": Kind(
        "application-autoscaling", "describe_scheduled_actions", "ScheduledActions", "ScheduledActionARN", _SCALING
    ),
    "aws_appautoscaling_target": Kind(
        "application-autoscaling", "describe_scalable_targets", "ScalableTargets", "ResourceId", _SCALING
    ),
    "aws_cloudformation_stack": Kind("cloudformation", "describe_stacks", "Stacks", "StackName"),
    "aws_cloudwatch_dashboard": Kind("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    "aws_cloudwatch_event_rule": Kind("events", "list_rules", "Rules", "Arn"),
    "aws_cloudwatch_log_group": Kind("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "aws_cloudwatch_metric_alarm": Kind("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "aws_cloudwatch_query_definition": Kind("logs", "describe_query_definitions", "queryDefinitions", "name"),
    "aws_db_instance": Kind("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    "aws_db_parameter_group": Kind("rds", "describe_db_parameter_groups", "DBParameterGroups", "DBParameterGroupName"),
    "aws_db_proxy": Kind("rds", "describe_db_proxies", "DBProxies", "DBProxyName"),
    "aws_db_snapshot": Kind("rds", "describe_db_snapshots", "DBSnapshots", "DBSnapshotIdentifier"),
    "aws_db_subnet_group": Kind("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
    "aws_ecr_repository": Kind("ecr", "describe_repositories", "repositories", "repositoryName"),
    "aws_ecs_cluster": Kind("ecs", "list_clusters", "clusterArns"),
    "aws_ecs_task_definition": Kind("ecs", "list_task_definitions", "taskDefinitionArns"),
    "aws_efs_access_point": Kind("efs", "describe_access_points", "AccessPoints", "AccessPointId"),
    "aws_efs_file_system": Kind("efs", "describe_file_systems", "FileSystems", "FileSystemId"),
    "aws_eip": Kind("ec2", "describe_addresses", "Addresses", "AllocationId"),
    "aws_elasticache_parameter_group": Kind(
        "elasticache", "describe_cache_parameter_groups", "CacheParameterGroups", "CacheParameterGroupName"
    ),
    "aws_elasticache_replication_group": Kind(
        "elasticache", "describe_replication_groups", "ReplicationGroups", "ReplicationGroupId"
    ),
    "aws_elasticache_subnet_group": Kind(
        "elasticache", "describe_cache_subnet_groups", "CacheSubnetGroups", "CacheSubnetGroupName"
    ),
    "aws_elasticache_user": Kind("elasticache", "describe_users", "Users", "UserId"),
    "aws_elasticache_user_group": Kind("elasticache", "describe_user_groups", "UserGroups", "UserGroupId"),
    "aws_flow_log": Kind("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    "aws_iam_openid_connect_provider": Kind(
        "iam", "list_open_id_connect_providers", "OpenIDConnectProviderList", "Arn"
    ),
    "aws_iam_role": Kind("iam", "list_roles", "Roles", "RoleName"),
    "aws_internet_gateway": Kind("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "aws_lb": Kind("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName"),
    "aws_lb_target_group": Kind("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupName"),
    "aws_nat_gateway": Kind("ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId"),
    "aws_network_interface": Kind("ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    "aws_route53_zone": Kind("route53", "list_hosted_zones", "HostedZones", "Name"),
    "aws_route_table": Kind("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    "aws_s3_bucket": Kind("s3", "list_buckets", "Buckets", "Name"),
    "aws_scheduler_schedule": Kind("scheduler", "list_schedules", "Schedules", "Arn"),
    "aws_scheduler_schedule_group": Kind("scheduler", "list_schedule_groups", "ScheduleGroups", "Arn"),
    "aws_secretsmanager_secret": Kind("secretsmanager", "list_secrets", "SecretList", "Name"),
    "aws_security_group": Kind("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    "aws_service_discovery_private_dns_namespace": Kind("servicediscovery", "list_namespaces", "Namespaces", "Name"),
    "aws_service_discovery_service": Kind("servicediscovery", "list_services", "Services", "Name"),
    "aws_sns_topic": Kind("sns", "list_topics", "Topics", "TopicArn"),
    "aws_sns_topic_subscription": Kind("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
    "aws_sqs_queue": Kind("sqs", "list_queues", "QueueUrls"),
    "aws_subnet": Kind("ec2", "describe_subnets", "Subnets", "SubnetId"),
    "aws_vpc": Kind("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    "aws_vpc_endpoint": Kind("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    "aws_wafv2_web_acl": Kind("wafv2", "list_web_acls", "WebACLs", "Name", {"Scope": "REGIONAL"}),
}
"""Kinds that exist on their own, by Terraform's name. Some are not created by Terraform but could remain after it."""

PARTS = {
    "aws_cloudwatch_event_target": "aws_cloudwatch_event_rule",
    "aws_cloudwatch_log_metric_filter": "aws_cloudwatch_log_group",
    "aws_db_proxy_default_target_group": "aws_db_proxy",
    "aws_db_proxy_target": "aws_db_proxy",
    "aws_default_security_group": "aws_vpc",
    "aws_ecr_lifecycle_policy": "aws_ecr_repository",
    "aws_ecs_cluster_capacity_providers": "aws_ecs_cluster",
    "aws_ecs_service": "aws_ecs_cluster",
    "aws_efs_file_system_policy": "aws_efs_file_system",
    "aws_efs_mount_target": "aws_efs_file_system",
    "aws_iam_role_policy": "aws_iam_role",
    "aws_iam_role_policy_attachment": "aws_iam_role",
    "aws_lb_listener": "aws_lb",
    "aws_lb_listener_rule": "aws_lb",
    "aws_route": "aws_route_table",
    "aws_route53_record": "aws_route53_zone",
    "aws_route_table_association": "aws_route_table",
    "aws_s3_bucket_lifecycle_configuration": "aws_s3_bucket",
    "aws_s3_bucket_policy": "aws_s3_bucket",
    "aws_s3_bucket_public_access_block": "aws_s3_bucket",
    "aws_s3_bucket_server_side_encryption_configuration": "aws_s3_bucket",
    "aws_secretsmanager_secret_version": "aws_secretsmanager_secret",
    "aws_sqs_queue_policy": "aws_sqs_queue",
    "aws_sqs_queue_redrive_allow_policy": "aws_sqs_queue",
    "aws_sqs_queue_redrive_policy": "aws_sqs_queue",
    "aws_vpc_security_group_egress_rule": "aws_security_group",
    "aws_vpc_security_group_ingress_rule": "aws_security_group",
    "aws_wafv2_web_acl_association": "aws_wafv2_web_acl",
    "aws_wafv2_web_acl_logging_configuration": "aws_wafv2_web_acl",
    "terraform_data": "",  # only in the state
}
"""Kinds that end with what they are part of."""


def inventory(cloud: Cloud) -> set[tuple[str, str]]:
    """Return all that exists by kind and id, and the records of each zone."""
    clients = {service: cloud.client(service) for service in {kind.service for kind in KINDS.values()}}
    things = {(name, id) for name, kind in KINDS.items() for id in kind.found(clients[kind.service])}
    route53 = clients["route53"]
    zones = [each["Id"] for each in route53.list_hosted_zones()["HostedZones"]]
    records = [
        each for zone in zones for each in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    ]
    return things | {("aws_route53_record", f"{each['Name']} {each['Type']}") for each in records}
