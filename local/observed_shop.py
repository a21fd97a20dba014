"""The shop and a Prometheus that scrapes it. The shop is a child process: `python -m local` itself."""

import contextlib
import sys
from collections.abc import Mapping
from http import HTTPStatus

from local.errors import AddressError
from local.lock import holder
from local.ports import LOOPBACK, can_listen, free_port, http_status, parse_port
from local.processes import Child, Program, require_ready, watch
from local.servers.prometheus import DEFAULT_PORT, PrometheusServer, program
from local.settings import ROOT, Settings
from local.terminal import Terminal
from local.waiting import Pause

OPEN_SECONDS = 600.0  # its migration may wait for another one; its own time limits are shorter
CLOSE_SECONDS = 60.0


class ObservedShop:
    """One run of both."""

    def __init__(self, settings: Settings, terminal: Terminal, pause: Pause) -> None:
        self._settings = settings
        self._terminal = terminal
        self._pause = pause
        self._prometheus = PrometheusServer(settings.data, [settings.url.removeprefix("http://")], pause=pause)

    def run(self) -> None:
        """Run until an error ends it; end both before raising the error.

        Raises:
            LocalError: it cannot start, or one of the two has ended.
            StopRequested: a signal to stop has come (raised by `pause`).
        """
        program("prometheus")  # if it is missing, fail before anything is started
        self._prometheus.port = port_of(self._settings.environ)
        with contextlib.ExitStack() as ending:
            shop = self._open_shop(ending)
            prometheus = self._start_prometheus(ending)
            self._terminal.say(welcome(self._settings.url, self._prometheus))
            watch([shop, prometheus], self._pause)

    def _open_shop(self, ending: contextlib.ExitStack) -> Child:
        command = (sys.executable, "-m", "local", self._settings.data)
        environ = {"PYTHONUNBUFFERED": "1", **self._settings.environ}
        shop = Child(Program("The shop", command, environ=environ, folder=ROOT, end_seconds=CLOSE_SECONDS))
        ending.callback(shop.end)
        require_ready(shop, lambda: self._answers(shop), OPEN_SECONDS, self._pause)
        return shop

    def _answers(self, shop: Child) -> bool:
        """Return whether this shop is ready, and not one that another run has started on the same port."""
        if holder(self._settings.data) != str(shop.pid):
            return False
        return http_status(self._settings.host, self._settings.port, "/readyz") == HTTPStatus.OK

    def _start_prometheus(self, ending: contextlib.ExitStack) -> Child:
        with self._terminal.step("Prometheus") as step:
            prometheus = self._prometheus.start()
            step.outcome = f"ready on port {self._prometheus.port}"
        ending.callback(self._stop_prometheus)
        return prometheus

    def _stop_prometheus(self) -> None:
        with self._terminal.step("Ending Prometheus") as step:
            self._prometheus.stop()
            step.outcome = "done"


def port_of(environ: Mapping[str, str]) -> int:
    """Return the port for Prometheus: PROMETHEUS_PORT, without it 9090, and a free one if 9090 is taken.

    Raises:
        AddressError: PROMETHEUS_PORT is not a port, or taken.
    """
    wanted = environ.get("PROMETHEUS_PORT")
    if not wanted:
        return DEFAULT_PORT if can_listen(LOOPBACK, DEFAULT_PORT) else free_port()
    port = parse_port("PROMETHEUS_PORT", wanted)
    if not can_listen(LOOPBACK, port):
        raise AddressError(f"Port {port} is taken: choose another one: PROMETHEUS_PORT={port + 1}")
    return port


def welcome(shop: str, prometheus: PrometheusServer) -> str:
    """Return the pages to look at."""
    places = {
        f"{prometheus.url}/consoles/shop.html": "the shop at a glance",
        prometheus.page("alerts"): "its alerts; docs/runbook.md says what to do about each",
        prometheus.page("graph"): "ask anything: rate(process_cpu_system_seconds_total[1m])",
        f"{shop}/metrics": "what is scraped",
    }
    width = max(map(len, places))
    lines = "\n".join(f"  {place:{width}}  {what}" for place, what in places.items())
    return f"""
Prometheus watches the shop:

{lines}

Ctrl-C ends it and the shop; what it has stored stays.
"""
