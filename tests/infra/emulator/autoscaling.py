"""Application Auto Scaling: tags of targets (aws_appautoscaling_target)."""

import json
from typing import Any

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse as Responses

from tests.infra.emulator.patching import Call, adds, around

_tags: dict[str, dict[str, str]] = {}


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
