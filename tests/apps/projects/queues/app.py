"""An app that is fed by queues. Each handler writes down what it got, and does what its messages say.

Lines go to the file that `RECORD` names; several processes may write it.
"""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from chalice.app import Chalice

app = Chalice(app_name="queues")


def write_down(handler: str, **members: Any) -> None:
    """Append a line, whole."""
    line = json.dumps({"handler": handler, **members}) + "\n"
    descriptor = os.open(os.environ["RECORD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line.encode())
    os.close(descriptor)


def obey(orders: list[dict[str, Any]]) -> Any:
    """Wait until a named pipe is written, leave a thread, raise, or report failures, as the messages of a batch say."""
    for order in orders:
        if "leaves_a_thread" in order:
            ThreadPoolExecutor().submit(threading.Event().wait)  # Python waits for it, even if its threads are daemons
        if "waits_for" in order:
            Path(order["waits_for"]).read_bytes()
    if any("raises" in order for order in orders):
        raise ValueError("an order cannot be taken")
    return next((order["returns"] for order in orders if "returns" in order), None)


@app.on_sqs_message(queue="orders", batch_size=10)
def take_orders(event):
    records = event.to_dict()["Records"]
    orders = [json.loads(each["body"]) for each in records]
    ids = [each["messageId"] for each in records]
    received = [int(each["attributes"]["ApproximateReceiveCount"]) for each in records]
    write_down("take_orders", bodies=orders, ids=ids, received=received)
    result = obey(orders)
    failed = [each["messageId"] for each, order in zip(records, orders, strict=True) if order.get("fails")]
    return result or {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}


@app.on_sqs_message(queue="collected", batch_size=25, maximum_batching_window_in_seconds=5, maximum_concurrency=2)
def collect(event):
    write_down("collect", bodies=[each.body for each in event])


parcels = BatchProcessor(event_type=EventType.SQS)


def pack(record):
    order = json.loads(record.body)
    write_down("pack", **order)
    obey([order])


@app.on_sqs_message(queue="parcels", batch_size=2)
def pack_parcels(event):
    """Powertools has one processor for all batches, and tells which of a batch have failed."""
    return process_partial_response(event.to_dict(), pack, parcels, event.context)


@app.on_sqs_message(queue="lines.fifo", batch_size=3)
def take_lines(event):
    write_down("take_lines", bodies=[each.body for each in event], phase="begins")
    first = Path(os.environ["RECORD"]).read_text().count('"fails first"') == 1
    if first and any(each.body == "fails first" for each in event):
        raise ValueError("a line cannot be taken")


@app.on_sns_message(topic="news")
def read_news(event):
    write_down("read_news", subject=event.subject, message=event.message, event=event.to_dict())


@app.on_s3_event(bucket="uploads")
def uploaded(event):
    write_down("uploaded", bucket=event.bucket, key=event.key)


@app.on_cw_event({"source": ["shop.orders"]})
def paid(event):
    write_down("paid", source=event.source, type=event.detail_type, event=event.to_dict())


@app.schedule("rate(1 hour)")
def hourly(event):
    write_down("hourly")
