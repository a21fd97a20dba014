"""CloudFormation: the cache's user, with a password from Secrets Manager (aws_cloudformation_stack)."""

import json
import re
from typing import Any

from moto.core.common_models import CloudFormationModel
from moto.elasticache.models import elasticache_backends
from moto.secretsmanager.models import secretsmanager_backends

_REFERENCE = re.compile(r"\{\{resolve:secretsmanager:(arn:[^}]+):SecretString:(\w+)::([\w-]+)\}\}")


class CacheUser(CloudFormationModel):
    """AWS::ElastiCache::User."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id

    @property
    def physical_resource_id(self) -> str:
        """The value of `Ref`."""
        return self.user_id

    @staticmethod
    def cloudformation_name_type() -> str:
        """Return the property that is its name."""
        return "UserId"

    @staticmethod
    def cloudformation_type() -> str:
        """Return its type."""
        return "AWS::ElastiCache::User"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **kwargs: Any
    ) -> "CacheUser":
        """Create the user, as ElastiCache does."""
        properties = cloudformation_json["Properties"]
        passwords = [_resolved(each, account_id, region_name) for each in properties["Passwords"]]
        elasticache_backends[account_id][region_name].create_user(
            user_id=properties["UserId"],
            user_name=properties["UserName"],
            engine=properties["Engine"],
            passwords=passwords,
            access_string=properties["AccessString"],
            no_password_required=False,
            authentication_type="password",
        )
        return cls(properties["UserId"])

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> Any:
        """Do nothing: only the password ever changes, and no login is emulated."""
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str
    ) -> None:
        """Remove the user."""
        elasticache_backends[account_id][region_name].users.pop(cloudformation_json["Properties"]["UserId"], None)


def _resolved(text: str, account_id: str, region_name: str) -> str:
    """Resolve a dynamic reference to Secrets Manager; fails if there is no such secret."""
    reference = _REFERENCE.fullmatch(text)
    assert reference, f"no dynamic reference: {text}"
    backend = secretsmanager_backends[account_id][region_name]
    secret = backend.get_secret_value(secret_id=reference[1], version_id=reference[3], version_stage="")
    password: str = json.loads(secret["SecretString"])[reference[2]]
    return password
