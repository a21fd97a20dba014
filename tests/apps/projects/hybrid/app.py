"""The half that stays on Lambda: Chalice packages the handlers of this module, and of no other."""

from chalice import Chalice
from chalicelib.totals import total

app = Chalice(app_name="hybrid")


@app.on_kinesis_record(stream="clicks", starting_position="TRIM_HORIZON", batch_size=50)
def count_clicks(event):
    return total(1 for _ in event)


@app.on_dynamodb_record(
    stream_arn="arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-11-28T00:00:00.000"
)
def follow_orders(event):
    return [record.event_name for record in event]


@app.lambda_function()
def take_payments(event, context):
    """Called for records of a Kafka topic, by a trigger in .chalice/triggers.json: Chalice has no decorator for it."""
    return sorted(event["records"])


@app.lambda_function()
def confirm_user(event, context):
    """Called by Cognito's user pool before a user signs up."""
    event["response"]["autoConfirmUser"] = True
    return event
