"""The bodies of `/` and `/openapi.json`, made once at import."""

import json
import os
from pathlib import Path
from typing import Any

from chalicelib import __version__

SERVICE = os.environ.get("POWERTOOLS_SERVICE_NAME", "chalice-app")
VERSION = __version__


def _document() -> str:
    document = json.loads(Path(__file__).with_name("openapi.json").read_text(encoding="utf-8"))
    document["info"]["version"] = VERSION
    for item in document["paths"].values():
        if "get" in item:
            item["head"] = _head_of(item["get"], document["components"]["responses"])
    return json.dumps(document, separators=(",", ":"))


def _head_of(get: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """Describe the HEAD of a path: its GET, without bodies (RFC 9110, section 9.3.2)."""
    responses = {status: _without_body(response, shared) for status, response in get["responses"].items()}
    described = {"operationId": f"{get['operationId']}Head", "summary": f"The headers of: {get['summary']}"}
    return {**get, **described, "responses": responses}


def _without_body(response: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    named = shared[response["$ref"].rpartition("/")[2]] if "$ref" in response else response
    return {key: value for key, value in named.items() if key != "content"}


def _index() -> str:
    links = {"status": "/status", "products": "/products", "metrics": "/metrics", "openapi": "/openapi.json"}
    return json.dumps({"service": SERVICE, "version": VERSION, "links": links}, separators=(",", ":"))


DOCUMENT = _document()
INDEX = _index()
