"""Counters of requests by route and class of status, which exist at 0 before the first request.

A series that first appears at 3,000 has no rate: Prometheus compares samples, and there is none before it. An app's
codes are not known beforehand, but their classes are, so rules and alerts count with these.

What must hold: requests pay nothing, and a scrape reads the histogram once. It adds up what the histogram has counted.
"""

import itertools
from collections.abc import Iterable, Iterator

from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

Counts = dict[tuple[str, ...], float]
CLASSES = ("2xx", "3xx", "4xx", "5xx")
SLOW_SECONDS = 0.1
"""Responses that take longer are slow; the latency objective counts them. It must be a bound of the histogram."""

_SLOW = f"{SLOW_SECONDS:g}"  # as the label `le` has it


class RequestCounters(Collector):
    """The histogram of durations, requests by route and class of status, and slow ones by route.

    Args:
        durations: the histogram, in no registry, with the labels `http_route` and `http_response_status_code`.
        routes: values of `http_route` whose series exist from the start.
    """

    def __init__(self, durations: Histogram, routes: Iterable[str]) -> None:
        self._durations = durations
        self._routes = tuple(routes)

    def collect(self) -> Iterator[Metric]:
        (durations,) = self._durations.collect()
        yield durations
        yield self._requests(durations.samples)
        yield self._slow(durations.samples)

    def _requests(self, samples: list[Sample]) -> Metric:
        counts: Counts = dict.fromkeys(itertools.product(self._routes, CLASSES), 0.0)
        for sample in samples:
            if sample.name.endswith("_count"):
                key = sample.labels["http_route"], _class(sample)
                counts[key] = counts.get(key, 0.0) + sample.value
        labels = ("http_route", "http_response_status_class")
        return _family("http_server_requests", "Requests, by the class of their status.", labels, counts)

    def _slow(self, samples: list[Sample]) -> Metric:
        counts: Counts = {(route,): 0.0 for route in self._routes}
        for sample in samples:
            key = (sample.labels["http_route"],)
            counts[key] = counts.get(key, 0.0) + _slow_part(sample)
        text = f"Requests that took longer than {_SLOW} s and did not fail with 5xx."
        return _family("http_server_requests_slow", text, ("http_route",), counts)


def _slow_part(sample: Sample) -> float:
    """Return what a sample adds to the slow requests: all of the requests, less those within the bound."""
    if _class(sample) == "5xx":
        return 0.0
    if sample.name.endswith("_count"):
        return sample.value
    return -sample.value if sample.labels.get("le") == _SLOW else 0.0


def _class(sample: Sample) -> str:
    return f"{sample.labels['http_response_status_code'][0]}xx"


def _family(name: str, text: str, labels: tuple[str, ...], counts: Counts) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, count in counts.items():
        family.add_metric(key, count)
    return family
