"""A small app whose handlers wait for each other, with their places lent."""

import threading

from chalice import Chalice

from fargate.threads.waiting import lent_permit, sleep

app = Chalice(app_name="patient")
released = threading.Event()
lock = threading.Lock()
inside = 0


@app.route("/wait")
def wait():
    """Answer once all may go, with how many had come by then."""
    global inside
    with lock:
        inside += 1
    with lent_permit():
        came = released.wait(60)
    return {"released": came, "request_id": app.current_request.context["requestId"]}


@app.route("/inside")
def count():
    """Tell how many have begun to wait."""
    return {"inside": inside}


@app.route("/release", methods=["POST"])
def release():
    """Let all go."""
    released.set()
    return {}


@app.route("/sleep/{seconds}")
def doze(seconds):
    """Answer after so many seconds."""
    global inside
    with lock:
        inside += 1
    sleep(float(seconds))
    return {}
