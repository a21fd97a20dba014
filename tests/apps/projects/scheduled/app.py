"""An app with schedules. Each run adds a line to the file RUNS, and does what other variables say."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from chalice.app import Chalice, Cron, Rate

app = Chalice(app_name="scheduled")


@app.schedule(Rate(1, unit=Rate.MINUTES))
def every_minute(event):
    with Path(os.environ["RUNS"]).open("a", encoding="utf-8") as runs:
        runs.write(f"{os.getpid()} {event.time}\n")
    if "LEAVES_A_THREAD" in os.environ:
        ThreadPoolExecutor().submit(threading.Event().wait)  # Python waits for it at its end
    while "WAITS_FOR" in os.environ and not Path(os.environ["WAITS_FOR"]).exists():
        time.sleep(0.02)


@app.schedule(Cron(0, 4, "?", "*", "MON#1", "*"))
def first_monday(event):
    """Due in the tests never."""


@app.on_cw_event({"source": ["shop.orders"]})
def paid(event):
    """Not a schedule."""
