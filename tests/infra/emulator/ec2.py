"""EC2: rules that name a group or a prefix list keep their description; AWS' own answer about one that is gone."""

from typing import Any

from moto.ec2.exceptions import InvalidPermissionNotFoundError, InvalidSecurityGroupRuleIdNotFoundError
from moto.ec2.models.security_groups import SecurityGroupBackend, SecurityGroupRule

from tests.infra.emulator.patching import Call, around


@around(SecurityGroupRule, "__init__")
def _remember(original: Call, self: Any, *arguments: Any, **named: Any) -> None:
    original(self, *arguments, **named)
    peers = arguments[5:8]  # a range of addresses, a group, a prefix list: one of them is given
    self.told = next((peer["Description"] for peer in peers if peer and "Description" in peer), None)


SecurityGroupRule.description = property(lambda self: self.told)  # type: ignore[method-assign,assignment]


@around(SecurityGroupBackend, "revoke_security_group_ingress", "revoke_security_group_egress")
def _revoke(original: Call, *arguments: Any, **named: Any) -> Any:
    """Say of a rule's id that is not there what AWS says: who asks to delete it a second time is content with that."""
    try:
        return original(*arguments, **named)
    except InvalidPermissionNotFoundError:
        if not named.get("security_rule_ids"):
            raise
        raise InvalidSecurityGroupRuleIdNotFoundError(named["security_rule_ids"][0]) from None
