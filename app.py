"""The routes of the shop. The same `app` is served from a container by `fargate/` and from Lambda by API Gateway."""

from collections.abc import Mapping

from chalice.app import Request, Response

from chalicelib.bootstrap import catalog, check_settings, wait_with
from chalicelib.errors import NotFoundError
from chalicelib.telemetry.metrics import REGISTRY, metrics_response
from chalicelib.web import lambda_entry, openapi, responses
from chalicelib.web.conditions import check_of, refuse_if_match
from chalicelib.web.health import SelfProbe
from chalicelib.web.product_body import parse_details, parse_product
from chalicelib.web.request_headers import HeaderSource, RequestHeaders
from chalicelib.web.uncached_errors import UncachedErrors

READ = ["GET", "HEAD"]
"""The methods of each route that reads: HEAD is GET without the body (RFC 9110, section 9.3.2)."""

app = UncachedErrors(app_name="chalice-app")
app.wait_with = wait_with  # type: ignore[attr-defined]  # `fargate/` passes its `sleep`, which lends the permit
app.metrics_registry = REGISTRY  # type: ignore[attr-defined]  # `fargate/` adds its metrics of requests
lambda_entry.observe(app)
self_probe = SelfProbe()
on_start = check_settings
"""`fargate/` calls it before it serves, so that a bad setting stops the start."""


def request() -> Request:
    """Return the request being answered."""
    assert app.current_request is not None  # noqa: S101  handlers run only while there is one
    return app.current_request


def headers() -> RequestHeaders:
    """Return the headers of the request being answered."""
    return RequestHeaders(request())


@app.route("/", methods=READ)
def index() -> Response:
    """Name the service, its version and its links."""
    return responses.json_response(openapi.INDEX)


@app.route("/status", methods=READ)
def status() -> Response:
    """200 if this server answers a GET to its own port."""
    context = request().context
    health = self_probe.check(context.get("localPort"), context.get("localAddress"))
    if health.reason:
        return responses.json_response({"status": "Unhealthy", "reason": health.reason}, 503)
    return responses.json_response({"status": "Healthy", "version": openapi.VERSION})


@app.route("/livez", methods=READ)
def livez() -> Response:
    """The process runs."""
    return responses.json_response('{"status":"Alive"}')


@app.route("/readyz", methods=READ)
def readyz() -> Response:
    """The process accepts requests; the adapter returns 503 while it starts and drains."""
    if not catalog().is_ready:
        return responses.json_response({"status": "NotReady", "reason": responses.NOT_MIGRATED}, 503)
    return responses.json_response('{"status":"Ready"}')


@app.route("/data", methods=["POST"], api_key_required=True)
@responses.answered
def create_product() -> Response:
    """Store a new product; sending the same one again is no error."""
    product = parse_product(responses.body_of(request()))
    refuse_if_match(headers())
    return responses.created_response(product, created=catalog().create(product))


@app.route("/product/{id}", methods=READ)
@responses.answered
def read_product(id: str) -> Response:
    """Return a product."""
    product_id = responses.parse_id(id)
    return responses.product_response(product_id, catalog().read(product_id), headers())


@responses.answered
def product_in_memory(parameters: Mapping[str, str], headers: HeaderSource) -> Response | None:
    """The fast path of `read_product`: from this task's memory; None: the product is not there."""
    product_id = responses.parse_id(parameters["id"])
    reading = catalog().read_from_memory(product_id)
    return reading and responses.product_response(product_id, reading, headers)


async def product_in_cache(parameters: Mapping[str, str], headers: HeaderSource) -> Response | None:
    """The fast path of `read_product`: from the cache; None: the product is not there."""
    product_id = responses.parse_id(parameters["id"])
    reading = await catalog().read_from_loop(product_id)
    return reading and responses.product_response(product_id, reading, headers)


# `fargate/` calls these in its event loop, before the handler.
app.fast_path = {("GET", "/product/{id}"): (product_in_memory, product_in_cache)}  # type: ignore[attr-defined]


@app.route("/product/{id}", methods=["PUT"], api_key_required=True)
@responses.answered
def replace_product(id: str) -> Response:
    """Overwrite a product, if the request's conditions hold."""
    product = parse_details(responses.parse_id(id), responses.body_of(request()))
    catalog().replace(product, check_of(headers()))
    return responses.replaced_response(product)


@app.route("/product/{id}", methods=["DELETE"], api_key_required=True)
@responses.answered
def remove_product(id: str) -> Response:
    """Remove a product, if the request's conditions hold."""
    catalog().remove(responses.parse_id(id), check_of(headers()))
    return responses.no_content()


@app.route("/products", methods=READ)
@responses.answered
def list_products() -> Response:
    """Return a page of products in the order of their ids."""
    page = catalog().page(*responses.parse_page(request().query_params))
    return responses.page_response(page, headers())


@app.route("/metrics", methods=READ)
@responses.answered
def metrics() -> Response:
    """Return the metrics; 404 for `/%6detrics`, which passes a load balancer that hides `/metrics`."""
    if "%" in request().context["path"]:
        raise NotFoundError("there is nothing here")
    return metrics_response(headers().joined({"Accept"}).get("Accept", ""))


@app.route("/openapi.json", methods=READ)
def openapi_document() -> Response:
    """Describe these routes."""
    return responses.json_response(openapi.DOCUMENT)
