"""What API Gateway does for a Chalice app: HTTP request -> REST proxy event -> `app(event, context)` -> HTTP response.

From outside: `core.Gateway`, and `unserved` for the start.
"""

from fargate.requirements import check_required

check_required()  # with an older library, an import of this folder's modules would fail and name no version
