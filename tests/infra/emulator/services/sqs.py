"""SQS: who may use a dead letter queue (aws_sqs_queue_redrive_allow_policy), and policies that stay as they are."""

import json
from typing import Any

from moto.sqs.models import Queue

from tests.infra.emulator.patching import Call, around

Queue.BASE_ATTRIBUTES.append("RedriveAllowPolicy")
Queue.redrive_allow_policy = None  # type: ignore[attr-defined]
_attributes: Any = Queue.attributes


@around(Queue, "_set_attributes")
def _set(original: Call, self: Any, attributes: dict[str, Any], *rest: Any) -> None:
    """Set the given attributes. moto removes the queue's policy if they have none; an empty one removes one."""
    kept = {"Policy": self.policy} if hasattr(self, "_policy_json") else {}
    original(self, kept | attributes, *rest)
    self.redrive_allow_policy = self.redrive_allow_policy or None


def _as_aws(self: Any) -> dict[str, Any]:
    """Return the attributes; AWS writes a redrive policy without spaces, and Terraform takes those for a change."""
    found: dict[str, Any] = _attributes.__get__(self)
    if found.get("RedrivePolicy"):
        found["RedrivePolicy"] = json.dumps(json.loads(found["RedrivePolicy"]), separators=(",", ":"))
    return found


Queue.attributes = property(_as_aws)  # type: ignore[assignment]
