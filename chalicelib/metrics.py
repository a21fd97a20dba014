"""What Prometheus scrapes from this process."""

from chalice.app import Response
from prometheus_client import REGISTRY, Counter
from prometheus_client.exposition import choose_encoder

CACHE_AUDIT = Counter("cache_audit", "Cached answers that were compared with the database, by result.", ["result"])


def count_audit(result: str) -> None:
    """Count what the audit found."""
    CACHE_AUDIT.labels(result).inc()


def metrics_response(accept: str | None) -> Response:
    """Answer a scrape in the format that the Accept header asks for."""
    encode, content_type = choose_encoder(accept or "")
    return Response(encode(REGISTRY).decode(), {"Content-Type": content_type}, 200)
