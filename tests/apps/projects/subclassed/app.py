"""An app with a class of its own, which changes what Chalice does at each call and with each route."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

from chalice.app import Chalice


class DecodingChalice(Chalice):
    """Decodes path parameters, lists its routes, and has no request where none is served."""

    lambda_context = None

    def __init__(self, app_name: str) -> None:
        super().__init__(app_name)
        self.current_request = None
        self.listed: list[str] = []

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Serve one request, without what Lambda leaves of the one before."""
        parameters = event["pathParameters"] or {}
        parameters.update({name: unquote(value) for name, value in parameters.items()})
        self.current_request = self.lambda_context = None
        return super().__call__(event, context)

    def route(self, path: str, **options: Any) -> Callable[..., Any]:
        """Register a route and list it."""
        self.listed.append(path)
        return super().route(path, **options)

    def url(self, path: str) -> str:
        """Return a URL: of the site that the request names, or outside a request of the public one."""
        site = "public.example" if self.current_request is None else self.current_request.headers["x-site"]
        remaining = "" if self.lambda_context is None else "?in_time"
        return f"https://{site}{path}{remaining}"


app = DecodingChalice("subclassed")
HOME_AT_IMPORT = app.url("/")


@app.route("/names/{name}")
def name(name: str) -> dict[str, Any]:
    return {"name": name, "here": app.url("/names"), "home": HOME_AT_IMPORT, "routes": app.listed}


@app.route("/background")
def background() -> dict[str, str]:
    """Return a URL as a thread sees it that serves no request."""
    with ThreadPoolExecutor(1) as pool:
        return {"url": pool.submit(app.url, "/").result()}


@app.middleware("http")
def middleware(event: Any, get_response: Callable[[Any], Any]) -> Any:
    response = get_response(event)
    response.headers["X-Here"] = app.url("/")
    return response
