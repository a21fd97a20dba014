"""EC2: the description of a rule that names a group or a prefix list (aws_vpc_security_group_*_rule)."""

from typing import Any

from moto.ec2.models.security_groups import SecurityGroupRule

from tests.infra.emulator.patching import Call, around


@around(SecurityGroupRule, "__init__")
def _remember(original: Call, self: Any, *arguments: Any, **named: Any) -> None:
    original(self, *arguments, **named)
    peers = arguments[5:8]  # a range of addresses, a group, a prefix list: one of them is given
    self.told = next((peer["Description"] for peer in peers if peer and "Description" in peer), None)


SecurityGroupRule.description = property(lambda self: self.told)  # type: ignore[method-assign,assignment]
