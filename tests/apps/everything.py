"""An app with a handler of every kind; HTTP reaches one of them."""

from chalice import Blueprint, Chalice, Cron, Rate

app = Chalice(app_name="everything")
extra = Blueprint("extra")


@app.route("/")
def index():
    """The one handler that HTTP reaches."""
    return {}


@app.schedule(Rate(1, unit=Rate.HOURS))
def hourly(event):
    pass


@extra.schedule(Cron(0, 4, "*", "*", "?", "*"), name="nightly")
def at_four(event):
    pass


@app.on_sqs_message(queue="orders")
def drain_orders(event):
    pass


@app.on_sns_message(topic="news")
def read_news(event):
    pass


@app.on_s3_event(bucket="uploads")
def take_upload(event):
    pass


@app.on_dynamodb_record(stream_arn="arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/s")
def follow_table(event):
    pass


@app.on_kinesis_record(stream="clicks")
def count_clicks(event):
    pass


@app.on_cw_event({"source": ["aws.codepipeline"]})
def watch_pipeline(event):
    pass


@app.lambda_function(name="report")
def write_report(event, context):
    pass


@app.on_ws_connect()
def connect(event):
    pass


@app.on_ws_message()
def message(event):
    pass


@app.on_ws_disconnect()
def disconnect(event):
    pass


app.experimental_feature_flags.add("BLUEPRINTS")
app.register_blueprint(extra, name_prefix="extra_")
