"""The bodies of `/` and `/openapi.json`, made once at import."""

import json
import os
from pathlib import Path

from chalicelib import __version__

SERVICE = os.environ.get("POWERTOOLS_SERVICE_NAME", "chalice-app")
VERSION = __version__


def _document() -> str:
    document = json.loads(Path(__file__).with_name("openapi.json").read_text(encoding="utf-8"))
    document["info"]["version"] = VERSION
    return json.dumps(document, separators=(",", ":"))


def _index() -> str:
    links = {"status": "/status", "products": "/products", "metrics": "/metrics", "openapi": "/openapi.json"}
    return json.dumps({"service": SERVICE, "version": VERSION, "links": links}, separators=(",", ":"))


DOCUMENT = _document()
INDEX = _index()
