"""CloudWatch Logs: saved queries (aws_cloudwatch_query_definition)."""

import json
from typing import Any
from uuid import uuid4

from moto.logs.responses import LogsResponse as Responses

from tests.infra.emulator.patching import adds

_queries: dict[str, dict[str, Any]] = {}


@adds(Responses)
def put_query_definition(self: Any) -> str:
    number = self._get_param("queryDefinitionId") or str(uuid4())
    _queries[number] = {
        "queryDefinitionId": number,
        "name": self._get_param("name"),
        "queryString": self._get_param("queryString"),
        "logGroupNames": self._get_param("logGroupNames") or [],
    }
    return json.dumps({"queryDefinitionId": number})


@adds(Responses)
def describe_query_definitions(self: Any) -> str:
    prefix = self._get_param("queryDefinitionNamePrefix") or ""
    return json.dumps({"queryDefinitions": [query for query in _queries.values() if query["name"].startswith(prefix)]})


@adds(Responses)
def delete_query_definition(self: Any) -> str:
    return json.dumps({"success": _queries.pop(self._get_param("queryDefinitionId"), None) is not None})
