"""What API Gateway does for a Chalice app: HTTP request -> REST proxy event -> `app(event, context)` -> HTTP response.

From outside: `core.Gateway`, and `unserved` for the start.
"""
