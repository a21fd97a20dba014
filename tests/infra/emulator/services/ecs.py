"""ECS: the fields of a service that moto drops (aws_ecs_service), and deleted clusters (aws_ecs_cluster)."""

from typing import Any

from moto.ecs.exceptions import InvalidParameterException
from moto.ecs.models import EC2ContainerServiceBackend as Backend
from moto.ecs.responses import EC2ContainerServiceResponse as Responses

from tests.infra.emulator.patching import Call, around

_FORGOTTEN = {
    "availabilityZoneRebalancing": "availability_zone_rebalancing",
    "capacityProviderStrategy": "capacity_provider_strategy",
    "deploymentConfiguration": "deployment_configuration",
    "enableECSManagedTags": "enable_ecs_managed_tags",
    "enableExecuteCommand": "enable_execute_command",
    "healthCheckGracePeriodSeconds": "health_check_grace_period_seconds",
}


@around(Backend, "list_clusters")
def _list(original: Call, self: Any) -> list[str]:
    """List the existing clusters: a deleted one can be described for a while, but is not listed."""
    return [cluster.arn for cluster in self.clusters.values() if cluster.status == "ACTIVE"]


@around(Responses, "create_service")
def _create(original: Call, self: Any) -> Any:
    _require_alarms(self)
    answer = original(self)
    service = answer.result["service"]
    service.availability_zone_rebalancing = "DISABLED"
    _remember(self, service)
    if self._get_param("capacityProviderStrategy"):
        service.launch_type = None  # AWS has one or the other
    return answer


@around(Responses, "update_service")
def _update(original: Call, self: Any) -> Any:
    _require_alarms(self)
    answer = original(self)
    _remember(self, answer.result["service"])
    return answer


def _remember(call: Any, service: Any) -> None:
    for parameter, attribute in _FORGOTTEN.items():
        value = call._get_param(parameter)
        if value is not None:
            setattr(service, attribute, value)
    _merge_deployment_configuration(service)


def _merge_deployment_configuration(service: Any) -> None:
    """Keep the fields that an update does not name; moto replaces them all."""
    known = getattr(service, "known_deployment_configuration", {})
    service.deployment_configuration = known | getattr(service, "deployment_configuration", {})
    service.known_deployment_configuration = service.deployment_configuration


def _require_alarms(call: Any) -> None:
    """Refuse alarms without names: AWS requires them even if alarms are disabled."""
    alarms = (call._get_param("deploymentConfiguration") or {}).get("alarms")
    if alarms is not None and not alarms.get("alarmNames"):
        raise InvalidParameterException("alarmNames must be specified.")
