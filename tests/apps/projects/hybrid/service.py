"""The half in the container: `chalice-fargate service:app`, `poll service:app`, `schedule service:app`."""

from chalice import Chalice
from chalicelib.totals import total

app = Chalice(app_name="hybrid")


@app.route("/total", methods=["POST"])
def add_up():
    return {"total": total(app.current_request.json_body["prices"])}


@app.on_sqs_message(queue="orders")
def take_orders(event):
    return total(1 for _ in event)


@app.schedule("cron(0 4 * * ? *)")
def nightly(event):
    return event.time
