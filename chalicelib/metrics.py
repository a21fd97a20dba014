"""What Prometheus scrapes from this process."""

from chalice.app import Response
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder


def metrics_response(accept: str | None) -> Response:
    """Answer a scrape in the format that the Accept header asks for."""
    encode, content_type = choose_encoder(accept or "")
    return Response(encode(REGISTRY).decode(), {"Content-Type": content_type}, 200)
