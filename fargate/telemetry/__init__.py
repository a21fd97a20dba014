"""A log line and metrics for each request, and a trace segment for some.

From outside: `telemetry`, `access_log`, `http_metrics`, `stdout`, `redaction` and `xray`.
"""
