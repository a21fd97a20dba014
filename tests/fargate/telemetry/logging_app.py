"""An app that logs as Powertools' documentation shows, and whose handlers fail."""

import logging
import time

from aws_lambda_powertools import Logger
from chalice.app import Chalice

app = Chalice("chatty")
logger = Logger(service="chatty")
other = Logger(service="payments")


@app.route("/keys/{user}")
def keys(user: str) -> dict[str, str]:
    logger.append_keys(user=user)
    other.append_keys(user=user)
    time.sleep(0.002)  # other requests run meanwhile
    logger.info("by the app", extra={"asked_by": user})
    other.info("by another logger of the app", extra={"asked_by": user})
    return {"user": user}


@app.route("/plain")
def plain() -> dict[str, str]:
    logging.getLogger("anything").info("by the standard library's logger")
    app.log.warning("by Chalice's own logger")
    print("by print")  # noqa: T201  the tests look for it
    return {}


@app.route("/fails", methods=["POST"], api_key_required=True)
def fails() -> None:
    request = app.current_request
    logger.debug("debugging")
    raise ValueError(f"{request.raw_body!r} from {request.headers['x-api-key']} {request.headers['authorization']}")


@app.route("/exits")
def exits() -> None:
    raise SystemExit("out")
