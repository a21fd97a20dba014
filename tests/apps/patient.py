"""A small app whose handlers wait with their permits lent."""

import threading

from chalice import Chalice

from fargate.waiting import lent_permit, sleep

app = Chalice(app_name="patient")
released = threading.Event()
lock = threading.Lock()
inside = 0


@app.route("/wait")
def wait():
    """Wait until `/release`."""
    global inside
    with lock:
        inside += 1
    with lent_permit():
        was_released = released.wait(60)
    return {"released": was_released, "request_id": app.current_request.context["requestId"]}


@app.route("/inside")
def count():
    """Return how many requests have begun to wait."""
    return {"inside": inside}


@app.route("/release", methods=["POST"])
def release():
    """Let all waiting requests continue."""
    released.set()
    return {}


@app.route("/sleep/{seconds}")
def doze(seconds):
    """Sleep."""
    global inside
    with lock:
        inside += 1
    sleep(float(seconds))
    return {}
