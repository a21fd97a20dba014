"""EC2: descriptions of rules that name a group or a prefix list, AWS' error for a deleted rule, NAT gateways.

The network interface of a NAT gateway goes with it (aws_nat_gateway).
"""

from typing import Any

from moto.ec2.exceptions import InvalidPermissionNotFoundError, InvalidSecurityGroupRuleIdNotFoundError
from moto.ec2.models.nat_gateways import NatGatewayBackend
from moto.ec2.models.security_groups import SecurityGroupBackend, SecurityGroupRule

from tests.infra.emulator.patching import Call, around


@around(SecurityGroupRule, "__init__")
def _remember(original: Call, self: Any, *arguments: Any, **named: Any) -> None:
    original(self, *arguments, **named)
    peers = arguments[5:8]  # a range of addresses, a group, a prefix list: one of them is given
    self.given_description = next((peer["Description"] for peer in peers if peer and "Description" in peer), None)


SecurityGroupRule.description = property(lambda self: self.given_description)  # type: ignore[method-assign,assignment]


@around(SecurityGroupBackend, "revoke_security_group_ingress", "revoke_security_group_egress")
def _revoke(original: Call, *arguments: Any, **named: Any) -> Any:
    """Answer an unknown rule's id with AWS' error: a client that deletes a second time takes it for success."""
    try:
        return original(*arguments, **named)
    except InvalidPermissionNotFoundError:
        if not named.get("security_rule_ids"):
            raise
        raise InvalidSecurityGroupRuleIdNotFoundError(named["security_rule_ids"][0]) from None


@around(NatGatewayBackend, "delete_nat_gateway")
def _delete_nat_gateway(original: Call, self: Any, nat_gateway_id: str) -> Any:
    gateway = original(self, nat_gateway_id)
    self.delete_network_interface(gateway._eni.id)
    return gateway
