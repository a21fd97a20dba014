"""An app of somebody else with a page of metrics, whose route returns the status that it is asked for."""

from chalice import Chalice, Response
from prometheus_client import CollectorRegistry, generate_latest

app = Chalice(app_name="counted")
app.metrics_registry = CollectorRegistry()


@app.route("/metrics")
def metrics():
    """Return the metrics."""
    return Response(generate_latest(app.metrics_registry).decode(), {"Content-Type": "text/plain"})


@app.route("/answer/{status}")
def answer(status):
    """Return this status."""
    return Response("said", {"Content-Type": "text/plain"}, int(status))
