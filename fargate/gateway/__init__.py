"""What API Gateway does for a Chalice app: HTTP request -> REST proxy event -> `app(event, context)` -> HTTP response.

From outside: `core`, `routing` and `invocation`; `event` and `context` for other handlers; `unserved` for the start.
"""
