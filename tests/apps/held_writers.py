"""The shop, but each PUT that waits for a hot product goes on waiting until `/release`."""

import threading

from app import app

STEP_SECONDS = 0.1
released = threading.Event()
lock = threading.Lock()
held = 0
shops_wait_with = app.wait_with


def wait_with(sleep):
    """Give the shop a wait that takes longer in a PUT."""

    def wait(seconds):
        sleep(seconds)
        if app.current_request.method == "PUT":
            hold(sleep)

    shops_wait_with(wait)


def hold(sleep):
    """Wait until the release, in short steps as the shop does."""
    global held
    with lock:
        held += 1
    while not released.is_set():
        sleep(STEP_SECONDS)
    with lock:
        held -= 1


app.wait_with = wait_with


@app.route("/held")
def count():
    """Return how many writers wait."""
    return {"held": held}


@app.route("/release", methods=["POST"])
def release():
    """Let all writers continue."""
    released.set()
    return {}
