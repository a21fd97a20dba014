"""An app with Powertools' three decorators around every route, as Chalice's documentation of middleware shows."""

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from chalice import Chalice, ConvertToMiddleware

app = Chalice(app_name="orders-api")
logger = Logger(service="orders")
tracer = Tracer(service="orders")
metrics = Metrics(namespace="shop", service="orders")

app.register_middleware(ConvertToMiddleware(logger.inject_lambda_context))
app.register_middleware(ConvertToMiddleware(tracer.capture_lambda_handler))
app.register_middleware(ConvertToMiddleware(metrics.log_metrics(capture_cold_start_metric=True)))


@tracer.capture_method
def price():
    return 7


@app.route("/orders/{number}")
def order(number):
    """Log, count and trace an order."""
    metrics.add_metric(name="Ordered", unit=MetricUnit.Count, value=1)
    logger.info("ordered", extra={"number": number})
    context = app.lambda_context
    in_time = 0 < context.get_remaining_time_in_millis() <= 10_000
    return {"price": price(), "arn": context.invoked_function_arn, "in_time": in_time, "number": number}
