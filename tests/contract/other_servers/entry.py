"""What other people's servers import: the mirror behind both adapters, alone and below mounts of other apps.

The environment names what mounts it: MOUNTED_BY=starlette.
"""

import os
import sys
import threading
from typing import Any

from fargate.asgi import create_asgi_app
from fargate.wsgi import create_wsgi_app
from tests.apps.mirror import app

TWO = threading.Barrier(2)


@app.route("/meet/{name}", methods=["POST"], content_types=["*/*"])
def meet(name):
    """Return the request, as it is after another one has reached this line."""
    TWO.wait(timeout=20)
    return {"name": name, "seen": app.current_request.uri_params["name"], "body": app.current_request.raw_body.decode()}


wsgi = create_wsgi_app(app)
asgi = create_asgi_app(app)


def of_werkzeug() -> Any:
    """Mount the app at /mount, and at the root."""
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    return DispatcherMiddleware(wsgi, {"/mount": wsgi})


def of_cheroot() -> Any:
    from cheroot.wsgi import PathInfoDispatcher

    return PathInfoDispatcher({"/mount": wsgi, "/": wsgi})


def of_starlette() -> Any:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    return Starlette(routes=[Mount("/mount", asgi), Mount("/", asgi)])


def of_hypercorn() -> Any:
    from hypercorn.middleware import DispatcherMiddleware

    return DispatcherMiddleware({"/mount": asgi, "": asgi})


MOUNTS = {"werkzeug": of_werkzeug, "cheroot": of_cheroot, "starlette": of_starlette, "hypercorn": of_hypercorn}
if "MOUNTED_BY" in os.environ:
    mounted = MOUNTS[os.environ["MOUNTED_BY"]]()

if __name__ == "__main__":
    from werkzeug.serving import run_simple

    run_simple("127.0.0.1", int(sys.argv[1]), mounted, threaded=True)
