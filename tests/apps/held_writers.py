"""The shop, where whoever overwrites a hot product waits until all may go: as the shop waits, again and again."""

import threading

from app import app

STEP_SECONDS = 0.1
released = threading.Event()
lock = threading.Lock()
held = 0
tell_the_shop = app.wait_with


def wait_with(sleep):
    """Have the shop wait this way, and its writers longer."""

    def wait(seconds):
        sleep(seconds)
        if app.current_request.method == "PUT":
            hold(sleep)

    tell_the_shop(wait)


def hold(sleep):
    """Wait until all may go."""
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
    """Tell how many writers wait."""
    return {"held": held}


@app.route("/release", methods=["POST"])
def release():
    """Let all go."""
    released.set()
    return {}
