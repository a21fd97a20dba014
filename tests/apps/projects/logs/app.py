"""An app that sets levels and adds handlers to loggers, as apps on Lambda do."""

import logging
import os
import sys
from pathlib import Path

from chalice import Chalice

app = Chalice(app_name="logs", debug=True)

logging.getLogger().setLevel(logging.DEBUG)
OWN = Path(os.environ.get("OWN_LOG", os.devnull))
logging.getLogger().addHandler(logging.FileHandler(OWN))
logging.getLogger().addHandler(logging.StreamHandler(OWN.open("a", encoding="utf-8")))
logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))


@app.route("/logged")
def logged():
    """Write a line of each kind."""
    app.log.debug("app debug")
    app.log.error("app error")
    logging.getLogger("a.library").debug("library debug")
    return {}


@app.route("/fault")
def fault():
    """Fail with a part of the request in the message."""
    raise RuntimeError(f"not good: {app.current_request.headers['authorization']}")
