"""Application Auto Scaling: tags of targets (aws_appautoscaling_target), and AWS' error for a deleted one."""

import json
from typing import Any

from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend as Backend
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse as Responses
from moto.core.exceptions import JsonRESTError

from tests.infra.emulator.patching import Call, adds, around

_tags: dict[str, dict[str, str]] = {}


@around(Backend, "delete_scaling_policy", "deregister_scalable_target")
def _delete(original: Call, self: Any, *arguments: Any, **named: Any) -> None:
    """Delete. A client that retries takes AWS' error for success, and moto's for a failure."""
    try:
        original(self, *arguments, **named)
    except AWSValidationException as error:
        raise JsonRESTError("ObjectNotFoundException", error.message) from error


@around(Responses, "register_scalable_target")
def _register(original: Call, self: Any) -> str:
    answer: str = original(self)
    _tags.setdefault(json.loads(answer)["ScalableTargetARN"], {}).update(self._get_param("Tags") or {})
    return answer


@adds(Responses)
def list_tags_for_resource(self: Any) -> str:
    return json.dumps({"Tags": _tags.get(self._get_param("ResourceARN"), {})})


@adds(Responses)
def tag_resource(self: Any) -> str:
    _tags.setdefault(self._get_param("ResourceARN"), {}).update(self._get_param("Tags"))
    return "{}"


@adds(Responses)
def untag_resource(self: Any) -> str:
    for key in self._get_param("TagKeys"):
        _tags.get(self._get_param("ResourceARN"), {}).pop(key, None)
    return "{}"
