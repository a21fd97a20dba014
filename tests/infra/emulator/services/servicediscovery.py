"""Cloud Map: a private namespace's hosted zone goes with it (aws_service_discovery_private_dns_namespace)."""

from typing import Any

from moto.route53 import route53_backends
from moto.servicediscovery.models import ServiceDiscoveryBackend as Backend

from tests.infra.emulator.patching import Call, around


@around(Backend, "delete_namespace")
def _delete(original: Call, self: Any, namespace_id: str) -> Any:
    zone = self.get_namespace(namespace_id).dns_properties.get("HostedZoneId")
    answer = original(self, namespace_id)
    if zone:
        route53_backends[self.account_id][self.partition].delete_hosted_zone(zone)
    return answer
