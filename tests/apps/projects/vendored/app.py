"""An app with a package in `vendor/`, which its own module imports too; `six` is there in a version of its own."""

import six
from chalice.app import Chalice
from chalicelib.texts import welcome

app = Chalice(app_name="vendored")


@app.route("/")
def index() -> dict[str, str]:
    return {"text": welcome("world"), "six": six.__version__}
