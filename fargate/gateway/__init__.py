"""The part of API Gateway: HTTP request -> REST proxy event -> Chalice -> HTTP response.

From outside: `core.Gateway`, and `unserved` for the start.
"""
