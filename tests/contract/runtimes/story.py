"""Requests to every route of the shop, in an order that makes a story; what each runtime responds is compared."""

import gzip
from typing import NamedTuple

from chalicelib.web.entity_tags import etag_of, tag_of
from tests.contract.clients.client import Client
from tests.contract.clients.messages import Request, Response

KEY = ("x-api-key", "a-key-of-the-tests")
JSON = ("Content-Type", "application/json")
TV = b'{"id":1,"name":"Samsung TV","price":140}'
RADIO = '{"id":1,"name":"Radio \N{RADIO}","price":19.9}'.encode()
PAGE_TAG = tag_of(b'{"products":[' + RADIO + b'],"next":null}')
OTHER = ("If-None-Match", '"other"')
DETAILS = '{"name":"Radio \N{RADIO}","price":19.90}'.encode()

# Headers that differ between requests, connections or servers.
IGNORED = {
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "server",
    "x-amz-apigw-id",
    "x-amzn-requestid",
    "x-amzn-trace-id",
}


class Compared(NamedTuple):
    """The parts of a response that must be the same in every runtime."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def cache_control(self) -> str | None:
        """What caches between the shop and its client may do with it."""
        return dict(self.headers).get("cache-control")


def write(method: str, path: str, body: bytes = b"", *headers: tuple[str, str]) -> Request:
    return Request(method, path, [KEY, JSON, *headers], body)


def read(path: str, *headers: tuple[str, str]) -> Request:
    return Request("GET", path, list(headers))


def head(path: str, *headers: tuple[str, str]) -> Request:
    return Request("HEAD", path, list(headers))


STORY: dict[str, Request] = {
    "what it is": read("/"),
    "how it is": read("/status"),
    "alive": read("/livez"),
    "ready": read("/readyz"),
    "described": read("/openapi.json"),
    "head of what it is": head("/"),
    "head of how it is": head("/status"),
    "head of alive": head("/livez"),
    "head of ready": head("/readyz"),
    "head of described": head("/openapi.json"),
    "nothing yet": read("/products"),
    "no such product": read("/product/1"),
    "nothing to replace": write("PUT", "/product/1", DETAILS),
    "nothing to remove": write("DELETE", "/product/1"),
    "created": write("POST", "/data", TV),
    "created again": write("POST", "/data", TV),
    "another product there": write("POST", "/data", RADIO),
    "read": read("/product/1"),
    "read again": read("/product/1"),
    "head of read again": head("/product/1"),
    "head of not modified": head("/product/1", ("If-None-Match", etag_of(TV))),
    "not modified": read("/product/1", ("If-None-Match", etag_of(TV))),
    "modified": read("/product/1", ("If-None-Match", '"other"')),
    "not modified, by the first of two lines": read("/product/1", ("If-None-Match", etag_of(TV)), OTHER),
    "another version to read": read("/product/1", ("If-Match", '"other"')),
    "removed by a version": write("DELETE", "/product/1", b"", ("If-Match", '"other"')),
    "created over": write("PUT", "/product/1", DETAILS, ("If-None-Match", "*")),
    "no list of versions": write("PUT", "/product/1", DETAILS, ("If-Match", "other")),
    "replaced": write("PUT", "/product/1", DETAILS, ("If-Match", etag_of(TV)), ("If-Match", '"other"')),
    "another version": write("PUT", "/product/1", DETAILS, ("If-Match", etag_of(TV))),
    "replaced as it was read": write("PUT", "/product/1", RADIO),
    "replaced under another id": write("PUT", "/product/2", RADIO),
    "read after the change": read("/product/1"),
    "a page": read("/products?limit=1"),
    "the page not modified": read("/products?limit=1", ("If-None-Match", PAGE_TAG), OTHER),
    "head of a page": head("/products?limit=1"),
    "past the page": read("/products?limit=1&after=1"),
    "a bad page": read("/products?limit=0&x=1"),
    "every fault": write("POST", "/data", b'{"id":0,"name":"","price":-1,"x":1}'),
    "no JSON": write("POST", "/data", b"{"),
    "no UTF-8": write("POST", "/data", b"\xff\xfe"),
    "no body": write("POST", "/data"),
    "compressed": write("POST", "/data", gzip.compress(TV, mtime=0), ("Content-Encoding", "gzip")),
    "another type": Request("POST", "/data", [KEY, ("Content-Type", "text/plain")], TV),
    "a bad id": read("/product/01"),
    "an encoded id": read("/product/%31"),
    "removed": write("DELETE", "/product/1"),
    "gone": read("/product/1"),
    "head of gone": head("/product/1"),
}

# API Gateway itself responds to these: on Lambda they do not reach the app.
GATEWAY_STORY: dict[str, Request] = {
    "no such path": read("/nothing"),
    "no such method": Request("PATCH", "/product/1", [KEY]),
    "no key": Request("POST", "/data", [JSON], TV),
    "a wrong key": Request("POST", "/data", [JSON, ("x-api-key", "wrong")], TV),
}


def compared(response: Response) -> Compared:
    headers = {name.lower(): value for name, value in response.headers if name.lower() not in IGNORED}
    if headers.get("x-cache") == "bypass":  # on a busy machine, a thread's first connection to Redis may take too long
        headers["x-cache"] = "hit"
    if response.body:
        headers.setdefault("content-type", "application/json")  # as API Gateway does for what Lambda returned
    return Compared(response.status, sorted(headers.items()), response.body)


def play(client: Client, story: dict[str, Request]) -> dict[str, Compared]:
    """Send a story's requests; return the responses by the requests' names."""
    return {chapter: compared(client.send(request)) for chapter, request in story.items()}
