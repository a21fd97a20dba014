"""An app with a handler of every kind; each returns what it has seen of its event, or does what its name says."""

import datetime
import json
import os
import signal
import subprocess
import sys
import threading
import time
from decimal import Decimal
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from chalice.app import AuthResponse, Blueprint, Chalice, Rate, Response

STARTED: list[str] = []

app = Chalice(app_name="handlers")
jobs = Blueprint(__name__)
logger = Logger(service="handlers")
tracer = Tracer(service="handlers")
metrics = Metrics(namespace="Handlers", service="handlers")


def on_start() -> None:
    """Say that the hook has run."""
    STARTED.append("on_start")
    if "BROKEN" in os.environ:
        sys.exit("BROKEN is set")


@app.route("/orders/{id}")
def order(id):
    return Response({"order": id, "stage": app.current_request.context["stage"]})


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
@app.schedule(Rate(1, unit=Rate.HOURS), name="hourly")
def every_hour(event):
    """Decorators of Powertools are above Chalice's: there they get Lambda's two arguments."""
    logger.append_keys(orders=3)
    logger.info("counting")
    metrics.add_metric("Counted", "Count", 3)
    tracer.put_annotation("counted", 3)
    return {"at": event.time, "rule": event.resources[0]}


@app.schedule("rate(1 minute)")
def minutely(event):
    return {"at": event.time}


@jobs.schedule("cron(0 4 * * ? *)")
def nightly(event):
    return {"source": event.source}


@app.on_cw_event(
    {"source": ["shop.orders"], "detail-type": [{"prefix": "Order"}], "detail": {"state": ["paid", "sent"]}}
)
def paid(event):
    return {"source": event.source, "type": event.detail_type, "detail": event.detail}


@app.on_s3_event(bucket="uploads", events=["s3:ObjectRemoved:*"], prefix="in box/", suffix=".csv")
def removed(event):
    return {"bucket": event.bucket, "key": event.key, "event": event.to_dict()["Records"][0]["eventName"]}


@app.on_sns_message(topic="news")
def read_news(event):
    return {"subject": event.subject, "message": event.message, "attributes": event.message_attributes}


@app.on_sqs_message(queue="orders.fifo")
def take_orders(event):
    return [{"body": json.loads(each.body), "handle": each.receipt_handle, "record": each.to_dict()} for each in event]


@app.on_kinesis_record(stream="clicks")
def count_clicks(event):
    return [{"data": each.data, "arrived": each.timestamp.isoformat(), "key": each.partition_key} for each in event]


@app.on_dynamodb_record(stream_arn="arn:aws:dynamodb:eu-west-1:123456789012:table/Orders/stream/2026")
def follow_table(event):
    return [
        {"table": each.table_name, "keys": each.keys, "new": each.new_image, "old": each.old_image} for each in event
    ]


@app.on_ws_connect()
def connect(event):
    return {"statusCode": 200, "connection": event.connection_id}


@app.on_ws_message()
def message(event):
    """Send a text to its sender, or to another connection, with the sender's id."""
    asked = event.json_body
    if "text" in asked:
        app.websocket_api.send(asked.get("to", event.connection_id), f"{event.connection_id} {asked['text']}")
    return {"json": event.json_body, "stage": event.stage}


@app.on_ws_disconnect()
def disconnect(event):
    return {"domain": event.domain_name}


@app.authorizer()
def admit(request):
    return AuthResponse(routes=["/orders"], principal_id=request.token)


@app.lambda_function()
def surroundings(event, context):
    """Return what the handler sees."""
    return {
        "event": event,
        "started": STARTED,
        "place": os.environ["PLACE"],
        "stage": os.environ.get("CHALICE_STAGE"),
        "function_name": context.function_name,
        "request_id": context.aws_request_id,
        "seconds": context.get_remaining_time_in_millis() // 1000,
        "arn": context.invoked_function_arn,
        "thread": threading.current_thread() is threading.main_thread(),
        "request": app.current_request is None if hasattr(app, "current_request") else True,
    }


@app.lambda_function(name="returns")
def give_back(event: Any, context: Any) -> Any:
    """Return one of the values that JSON holds in its own way, or does not hold."""
    values = {
        "text": "Grüße \N{EURO SIGN}",
        "decimal": Decimal("19.90"),
        "number": float("nan"),
        "bytes": b"\x00\xff",
        "time": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    }
    return values[event]


@app.lambda_function()
def prints(event, context):
    """Write to standard output in every way, and leave a thread that never ends."""
    print("printed")  # noqa: T201
    subprocess.run([sys.executable, "-c", "print('by a child')"], check=True)
    os.write(1, b"by its number\n")
    threading.Thread(target=threading.Event().wait).start()
    return "done"


class OrderLost(Exception):
    """An error of the app."""


@app.lambda_function()
def raises(event, context):
    raise OrderLost("order 7: Größe")


@app.lambda_function()
def exits(event: Any, context: Any) -> Any:
    sys.exit(event)


@app.lambda_function()
def interrupts(event: Any, context: Any) -> Any:
    raise KeyboardInterrupt


@app.lambda_function()
def waits(event: Any, context: Any) -> Any:
    """Wait for a signal; clean up, for as long as the event says."""
    try:
        print("waiting")  # noqa: T201
        signal.pause()
        time.sleep(60)
    finally:
        print("cleaning up")  # noqa: T201
        if event.get("hangs"):
            sys.stdin.readline()
            print("still cleaning up")  # noqa: T201
            time.sleep(60)


app.experimental_feature_flags.add("BLUEPRINTS")
app.register_blueprint(jobs, name_prefix="jobs_")
