"""RDS: the fields of an instance that moto drops (aws_db_instance), a parameter's source (aws_db_parameter_group)."""

from typing import Any

from moto.core.responses import ActionResult
from moto.rds.responses import RDSResponse as Responses

from tests.infra.emulator.patching import Call, around

_FORGOTTEN = {
    "MonitoringInterval": "monitoring_interval",
    "MonitoringRoleArn": "monitoring_role_arn",
    "EnablePerformanceInsights": "performance_insights_enabled",
    "PerformanceInsightsKMSKeyId": "performance_insights_kms_key_id",
    "PerformanceInsightsRetentionPeriod": "performance_insights_retention_period",
}


@around(Responses, "create_db_instance", "modify_db_instance")
def _remember(original: Call, self: Any) -> Any:
    answer = original(self)
    instance = answer.result["DBInstance"]
    for parameter, attribute in _FORGOTTEN.items():
        if parameter in self.params:
            setattr(instance, attribute, self.params[parameter])
    return answer


@around(Responses, "describe_db_parameters")
def _with_source(original: Call, self: Any) -> Any:
    answer = original(self)
    return ActionResult({"Parameters": [{"Source": "user", **parameter} for parameter in answer.result["Parameters"]]})
