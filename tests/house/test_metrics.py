"""docs/observability.md lists every metric of the shop and of the adapter."""

import re

from prometheus_client import CollectorRegistry

from chalicelib.telemetry.metrics import REGISTRY
from fargate.telemetry.http_metrics import metrics_in
from tests.fixtures.servers import ROOT

OF_THE_CLIENT = ("process_", "python_")


def test_every_metric_is_on_the_page() -> None:
    of_requests = CollectorRegistry()
    metrics_in(of_requests, views=1)
    families = [family for registry in (REGISTRY, of_requests) for family in registry.collect()]
    own = {family.name for family in families if not family.name.startswith(OF_THE_CLIENT)}
    page = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
    named = {name.removesuffix("_total") for name in re.findall(r"`(\w+)`", page)}
    assert len(own) > 10
    assert not own - named
