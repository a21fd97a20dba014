"""A log line and metrics for each request, and a trace segment for some.

From outside: `telemetry`, `event_telemetry`, `request_scope`, `access_log`, `http_metrics`, `stdout`,
`redaction` and `xray`.
"""

from fargate.requirements import check_required

check_required()  # before an import that an older library fails: it would name no version
