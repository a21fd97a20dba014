"""CORS responses of the gateway itself: the preflight, and the headers of its errors."""

from chalice.app import CORSConfig

from fargate.gateway.routing import Route
from fargate.http.messages import Header, HttpResponse


def cors_of(route: Route, method: str | None = None) -> CORSConfig | None:
    """Return a method's CORS configuration. For a method that the route lacks: that of the first method with one."""
    entry = route.methods.get(method) if method else None
    if entry is not None:
        return entry.cors
    return next((each.cors for each in route.methods.values() if each.cors is not None), None)


def headers_of(cors: CORSConfig | None) -> list[Header]:
    """Return the headers that let other origins read a response."""
    return list(cors.get_access_control_headers().items()) if cors else []


def preflight(route: Route, cors: CORSConfig) -> HttpResponse:
    """Return the response of the mock integration that `chalice deploy` makes: no view or middleware is called."""
    methods = ",".join([*(method for method, entry in route.methods.items() if entry.cors is not None), "OPTIONS"])
    headers = [("Access-Control-Allow-Methods", methods), *headers_of(cors), ("Content-Type", "application/json")]
    return HttpResponse(200, headers, b"")
