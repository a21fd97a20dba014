"""Responses, errors, and the parameters of paths and queries."""

import functools
import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

from chalice.app import Request, Response

from chalicelib.errors import BadRequestError, ContentEncodingError, NotFoundError, ServiceUnavailableError, ShopError
from chalicelib.ports import Reading
from chalicelib.product import MAX_ID, Product
from chalicelib.web.conditions import is_not_modified
from chalicelib.web.entity_tags import etag_of, tag_of
from chalicelib.web.request_headers import HeaderSource, RequestHeaders

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


logger = logging.getLogger("shop")

JSON = "application/json"
NO_STORE = "no-store"
"""For writes, errors and what the service says of itself: a cache keeps none of it (RFC 9111, section 5.2.2)."""
NO_CACHE = "no-cache"
"""For products and pages: a cache keeps them, and asks for each by its entity tag before it answers from them."""
CODING, IDENTITY = "Content-Encoding", "identity"
AWAY = "the shop cannot do this right now; the same request is safe to send again"
NOT_MIGRATED = "the database is not migrated"
DEFAULT_PAGE = 20
MAX_PAGE = 100
_WHOLE = re.compile(r"0|[1-9][0-9]{0,9}")


def answered(handler: Callable[Parameters, Answer]) -> Callable[Parameters, Answer | Response]:
    """Turn the shop's errors into responses: the one place that does."""

    @functools.wraps(handler)
    def with_error_responses(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer | Response:
        try:
            return handler(*args, **kwargs)
        except ShopError as error:
            return _error(error)

    return with_error_responses


def _error(error: ShopError) -> Response:
    headers: dict[str, str | list[str]] = {"Content-Type": JSON, "Cache-Control": NO_STORE}
    message = str(error)
    if isinstance(error, ServiceUnavailableError):
        if not error.is_logged:
            logger.warning("%s: %s", type(error).__name__, error)  # the cause is for the log, not for the client
        headers["Retry-After"] = str(error.retry_after)
        message = AWAY
    if isinstance(error, ContentEncodingError):
        headers["Accept-Encoding"] = IDENTITY
    return Response({"Code": error.code, "Message": message}, headers, error.status)


def json_response(body: bytes | str | Mapping[str, str], status: int = 200, **headers: str) -> Response:
    """Return a response that no cache keeps, of JSON that may be serialized; in `headers`, underscores are hyphens."""
    content = body.decode() if isinstance(body, bytes) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(content, {"Content-Type": JSON, "Cache-Control": NO_STORE, **named}, status)


def body_of(request: Request) -> bytes:
    """Return a request's body as it was sent.

    Raises:
        ContentEncodingError: it is compressed.
    """
    for coding in RequestHeaders(request).joined({CODING}).get(CODING, "").split(","):
        if coding.strip().lower() not in ("", IDENTITY):
            raise ContentEncodingError(f"Unsupported content encoding: {coding.strip()}")
    body = request.raw_body
    return body if isinstance(body, bytes) else body.encode()


def no_content() -> Response:
    """Return 204."""
    return Response("", {"Cache-Control": NO_STORE}, 204)


def replaced_response(product: Product) -> Response:
    """Return 200 with the product."""
    body = product.to_json()
    return json_response(body, ETag=etag_of(body))


def created_response(product: Product, *, created: bool) -> Response:
    """Return 201, or 200 if the same product was stored already."""
    return json_response(product.to_json(), 201 if created else 200, Location=f"/product/{product.id}")


@answered
def product_response(product_id: int, reading: Reading, headers: HeaderSource) -> Response:
    """Return the product, 304 if the client has it already, or 404."""
    if reading.body is None:
        raise NotFoundError(f"there is no product {product_id}")
    etag = etag_of(reading.body)
    if is_not_modified(headers, etag):
        return Response("", {"ETag": etag, "Cache-Control": NO_CACHE, "X-Cache": reading.result}, 304)
    return Response(
        reading.body.decode(),
        {"Content-Type": JSON, "ETag": etag, "Cache-Control": NO_CACHE, "X-Cache": reading.result},
        200,
    )


def page_response(body: bytes, headers: HeaderSource) -> Response:
    """Return a page of products, or 304 if the client has it already."""
    etag = tag_of(body)
    if is_not_modified(headers, etag):
        return Response("", {"ETag": etag, "Cache-Control": NO_CACHE}, 304)
    return json_response(body, ETag=etag, Cache_Control=NO_CACHE)


def parse_id(text: str) -> int:
    """Read a product's id from a path.

    Raises:
        BadRequestError: it is not a whole number from 1 to 2147483647, written plainly.
    """
    product_id = int(text) if _WHOLE.fullmatch(text) else 0
    if not 1 <= product_id <= MAX_ID:
        raise BadRequestError(f"id must be a whole number from 1 to {MAX_ID}")
    return product_id


def parse_page(query: Mapping[str, str] | None) -> tuple[int, int]:
    """Read `after` (default 0) and `limit` (default 20) from a query.

    Raises:
        BadRequestError: one of them is not a whole number in its range, or there is another parameter.
    """
    query = query or {}
    faults = [f"{json.dumps(name)} is not a known parameter" for name in sorted(set(query) - {"after", "limit"})]
    numbers = {}
    for name, default, low, high in (("after", 0, 0, MAX_ID), ("limit", DEFAULT_PAGE, 1, MAX_PAGE)):
        text = query.get(name, str(default))
        if _WHOLE.fullmatch(text) and low <= int(text) <= high:
            numbers[name] = int(text)
        else:
            faults.append(f"{name} must be a whole number from {low} to {high}")
    if faults:
        raise BadRequestError(*faults)
    return numbers["after"], numbers["limit"]
