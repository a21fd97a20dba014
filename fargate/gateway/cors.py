"""Cross-origin answers that API Gateway gives by itself: the preflight, and the headers on its own errors."""

from chalice.app import CORSConfig

from fargate.gateway.routing import Route
from fargate.http.messages import Header, HttpResponse


def cors_of(route: Route, method: str | None = None) -> CORSConfig | None:
    """Return the CORS configuration of a route's method, or of any: `chalice deploy` allows one for each path."""
    entry = route.methods.get(method) if method else None
    if entry is not None:
        return entry.cors
    return next((each.cors for each in route.methods.values() if each.cors is not None), None)


def headers_of(cors: CORSConfig | None) -> list[Header]:
    """Return the headers that allow an answer to be read from another origin."""
    return list(cors.get_access_control_headers().items()) if cors else []


def preflight(route: Route, cors: CORSConfig) -> HttpResponse:
    """Answer a preflight as the mock integration that Chalice deploys does: no view, authorizer or middleware runs."""
    methods = ",".join([*(method for method, entry in route.methods.items() if entry.cors is not None), "OPTIONS"])
    headers = [("Access-Control-Allow-Methods", methods), *headers_of(cors), ("Content-Type", "application/json")]
    return HttpResponse(200, headers, b"")
