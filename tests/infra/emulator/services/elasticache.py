"""ElastiCache: parameter groups, user groups, and the nodes of a replication group (aws_elasticache_*)."""

from types import SimpleNamespace
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.elasticache.exceptions import ElastiCacheException
from moto.elasticache.models import ElastiCacheBackend
from moto.elasticache.responses import ElastiCacheResponse as Responses

from tests.infra.emulator.patching import Call, adds, around


class CacheParameterGroupNotFound(ElastiCacheException):
    """AWS' error for an unknown parameter group."""

    code = "CacheParameterGroupNotFound"


class UserGroupNotFound(ElastiCacheException):
    """AWS' error for an unknown user group."""

    code = "UserGroupNotFound"


_parameter_groups: dict[str, dict[str, Any]] = {}
_parameters: dict[str, dict[str, str]] = {}
_user_groups: dict[str, dict[str, Any]] = {}


def _arn(call: Any, kind: str, name: str) -> str:
    return f"arn:aws:elasticache:{call.region}:{call.current_account}:{kind}:{name}"


def _tag(call: Any, arn: str) -> None:
    call.elasticache_backend.tagging_service.tag_resource(arn, call._get_param("Tags", []))


@around(ElastiCacheBackend, "list_tags_for_resource")
def _list_tags(original: Call, self: Any, arn: str) -> Any:
    """Return the tags of anything: moto knows only its own kinds."""
    kept = self.tagging_service.list_tags_for_resource(arn)
    return kept if kept["Tags"] or ":parametergroup:" in arn or ":usergroup:" in arn else original(self, arn)


# --- parameter groups


@adds(Responses)
def create_cache_parameter_group(self: Any) -> ActionResult:
    name = self._get_param("CacheParameterGroupName")
    _parameters[name] = {}
    _parameter_groups[name] = {
        "CacheParameterGroupName": name,
        "CacheParameterGroupFamily": self._get_param("CacheParameterGroupFamily"),
        "Description": self._get_param("Description"),
        "IsGlobal": False,
        "ARN": _arn(self, "parametergroup", name),
    }
    _tag(self, _parameter_groups[name]["ARN"])
    return ActionResult({"CacheParameterGroup": _parameter_groups[name]})


@adds(Responses)
def describe_cache_parameter_groups(self: Any) -> ActionResult:
    name = self._get_param("CacheParameterGroupName")
    if name and name not in _parameter_groups:
        raise CacheParameterGroupNotFound(f"CacheParameterGroup {name} not found.")
    return ActionResult(
        {"CacheParameterGroups": [_parameter_groups[each] for each in ([name] if name else _parameter_groups)]}
    )


@adds(Responses)
def describe_cache_parameters(self: Any) -> ActionResult:
    kept = _parameters[self._get_param("CacheParameterGroupName")]
    return ActionResult(
        {"Parameters": [{"ParameterName": name, "ParameterValue": kept[name], "Source": "user"} for name in kept]}
    )


@adds(Responses)
def modify_cache_parameter_group(self: Any) -> ActionResult:
    name = self._get_param("CacheParameterGroupName")
    for each in self._get_param("ParameterNameValues", []):
        _parameters[name][each["ParameterName"]] = each["ParameterValue"]
    return ActionResult({"CacheParameterGroupName": name})


@adds(Responses)
def reset_cache_parameter_group(self: Any) -> ActionResult:
    name = self._get_param("CacheParameterGroupName")
    for each in self._get_param("ParameterNameValues", []):
        _parameters[name].pop(each["ParameterName"], None)
    return ActionResult({"CacheParameterGroupName": name})


@adds(Responses)
def delete_cache_parameter_group(self: Any) -> EmptyResult:
    _parameter_groups.pop(self._get_param("CacheParameterGroupName"), None)
    return EmptyResult()


# --- users' groups


@adds(Responses)
def create_user_group(self: Any) -> ActionResult:
    name = self._get_param("UserGroupId")
    _user_groups[name] = {
        "UserGroupId": name,
        "Status": "active",
        "Engine": self._get_param("Engine").lower(),
        "UserIds": self._get_param("UserIds", []),
        "MinimumEngineVersion": "7.2",
        "ReplicationGroups": [],
        "ARN": _arn(self, "usergroup", name),
    }
    _tag(self, _user_groups[name]["ARN"])
    return ActionResult(_user_groups[name])


@adds(Responses)
def describe_user_groups(self: Any) -> ActionResult:
    name = self._get_param("UserGroupId")
    if name and name not in _user_groups:
        raise UserGroupNotFound(f"UserGroup {name} not found.")
    return ActionResult({"UserGroups": [_user_groups[each] for each in ([name] if name else _user_groups)]})


@adds(Responses)
def modify_user_group(self: Any) -> ActionResult:
    group = _user_groups[self._get_param("UserGroupId")]
    leaving = self._get_param("UserIdsToRemove", [])
    group["UserIds"] = [user for user in group["UserIds"] if user not in leaving] + self._get_param("UserIdsToAdd", [])
    return ActionResult(group)


@adds(Responses)
def delete_user_group(self: Any) -> ActionResult:
    return ActionResult({**_user_groups.pop(self._get_param("UserGroupId")), "Status": "deleting"})


# --- subnet groups


@adds(Responses)
def delete_cache_subnet_group(self: Any) -> EmptyResult:
    self.elasticache_backend.cache_subnet_groups.pop(self._get_param("CacheSubnetGroupName"), None)
    return EmptyResult()


# --- replication groups: moto makes the group, but only its first node, and no node can be asked for


@around(Responses, "create_replication_group")
def _create_replication_group(original: Call, self: Any) -> Any:
    answer = original(self)
    group = answer.result["ReplicationGroup"]
    group.auto_minor_version_upgrade = True
    if group.transit_encryption_enabled and not group.transit_encryption_mode:
        group.transit_encryption_mode = "required"  # the provider sends none; this is AWS's default
    _add_replicas(group, (self._get_int_param("NumCacheClusters") or 1) - 1)
    for node in group.member_clusters:
        self.elasticache_backend.cache_clusters[node] = _node(self, group, node)
    return answer


def _add_replicas(group: Any, count: int) -> None:
    members = group.node_groups[0]["node_group_members"]
    for number in range(len(group.member_clusters) + 1, count + 2):
        name = f"{group.replication_group_id}-{number:03d}"
        group.member_clusters.append(name)
        members.append({**members[0], "cache_cluster_id": name, "current_role": "replica"})


def _node(call: Any, group: Any, name: str) -> SimpleNamespace:
    """Return a node with the fields from which the provider describes its group."""
    parameters = call._get_param("CacheParameterGroupName")
    return SimpleNamespace(
        arn=_arn(call, "cluster", name),
        cache_cluster_id=name,
        replication_group_id=group.replication_group_id,
        engine=group.engine,
        engine_version=_patch_level(call._get_param("EngineVersion")),
        cache_node_type=group.cache_node_type,
        num_cache_nodes=1,
        cache_cluster_status="available",
        preferred_availability_zone=None,
        preferred_maintenance_window=call._get_param("PreferredMaintenanceWindow"),
        cache_subnet_group_name=call._get_param("CacheSubnetGroupName"),
        cache_parameter_group={"CacheParameterGroupName": parameters, "ParameterApplyStatus": "in-sync"},
        security_groups=[
            {"SecurityGroupId": each, "Status": "active"} for each in call._get_param("SecurityGroupIds", [])
        ],
        cache_nodes=[
            {
                "CacheNodeId": "0001",
                "CacheNodeStatus": "available",
                "Endpoint": {"Address": f"{name}.cache.amazonaws.com", "Port": group.port},
            }
        ],
        auto_minor_version_upgrade=True,
        snapshot_retention_limit=group.snapshot_retention_limit,
        snapshot_window=group.snapshot_window,
        auth_token_enabled=group.auth_token_enabled,
        transit_encryption_enabled=group.transit_encryption_enabled,
        transit_encryption_mode=group.transit_encryption_mode,
        at_rest_encryption_enabled=group.at_rest_encryption_enabled,
        network_type="ipv4",
        ip_discovery="ipv4",
    )


def _patch_level(version: str | None) -> str:
    """Return the version that AWS runs for the requested one: 8.0 is some 8.0.x."""
    version = version or "8.0"
    return version if version.count(".") == 2 else f"{version}.0"


@around(Responses, "delete_replication_group")
def _delete_replication_group(original: Call, self: Any) -> Any:
    answer = original(self)
    group = self.elasticache_backend.replication_groups.pop(self._get_param("ReplicationGroupId"))
    for node in group.member_clusters:
        self.elasticache_backend.cache_clusters.pop(node, None)
    return answer
