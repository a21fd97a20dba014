"""An app whose settings are in `.chalice/config.json`; without them it cannot be imported."""

import os
import time

from chalice.app import Chalice

TABLE = os.environ["TABLE"]

app = Chalice(app_name="settings")


@app.route("/")
def index() -> dict[str, str | None]:
    """Return what the environment holds, and what has come of it."""
    variables = {name: os.environ.get(name) for name in ("TABLE", "TOPIC", "PORT")}
    client = app.current_request.context["identity"]["sourceIp"]
    return {**variables, "zone": time.tzname[0], "client": client}
