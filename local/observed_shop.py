"""The shop and a Prometheus that scrapes it. The shop is `python -m local` itself, so that nothing is told twice."""

import contextlib
import http.client
import sys
from collections.abc import Mapping

from local.errors import AddressError, ProgramError
from local.ports import LOOPBACK, can_listen, free_port, reachable_host
from local.processes import Child, Program, describe, require_ready
from local.servers.prometheus import DEFAULT_PORT, PrometheusServer, program
from local.settings import ROOT, Settings
from local.terminal import Terminal
from local.waiting import Pause

OPEN_SECONDS = 600.0  # its migration may wait for another one; it gives up by itself earlier
CLOSE_SECONDS = 60.0
LOCK = "lock"  # where `local.lock` writes whose the data is
WATCH_SECONDS = 60.0  # a child's end wakes us, so this only bounds what a lost wake-up costs


class ObservedShop:
    """One run of both; begun in this order, ended in the reverse one."""

    def __init__(self, settings: Settings, terminal: Terminal, pause: Pause) -> None:
        self._settings = settings
        self._terminal = terminal
        self._pause = pause
        self._prometheus = PrometheusServer(settings.data, [settings.url.removeprefix("http://")], pause=pause)

    def run(self) -> None:
        """Run until something ends it; whatever that is, end both before raising it.

        Raises:
            LocalError: it cannot run, or a part of it ended by itself.
            StopRequested: it was asked to end (raised by `pause`).
        """
        program("prometheus")  # what stands in the way is said before anything is started
        self._prometheus.port = port_of(self._settings.environ)
        with contextlib.ExitStack() as ending:
            shop = self._open_shop(ending)
            prometheus = self._start_prometheus(ending)
            self._terminal.say(welcome(self._settings.url, self._prometheus))
            self._watch(shop, prometheus)

    def _open_shop(self, ending: contextlib.ExitStack) -> Child:
        command = (sys.executable, "-m", "local", self._settings.data)
        environ = {"PYTHONUNBUFFERED": "1", **self._settings.environ}
        shop = Child(Program("The shop", command, environ=environ, folder=ROOT, end_seconds=CLOSE_SECONDS))
        ending.callback(shop.end)
        require_ready(shop, lambda: self._is_held_by(shop) and self._shop_answers(), OPEN_SECONDS, self._pause)
        return shop

    def _is_held_by(self, shop: Child) -> bool:
        """Say whether the data is this shop's, so that an answer is not another run's."""
        try:
            return (self._settings.data / LOCK).read_text() == str(shop.pid)
        except FileNotFoundError:
            return False

    def _shop_answers(self) -> bool:
        connection = http.client.HTTPConnection(reachable_host(self._settings.host), self._settings.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

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

    def _watch(self, *children: Child) -> None:
        """Wait for the end of either."""
        while True:
            for child in children:
                if not child.running:
                    where = "" if child.program.log else " What it said is above."
                    raise ProgramError(
                        f"{child.program.name} ended by itself ({describe(child.status)}).{where}", child.program.log
                    )
            self._pause(WATCH_SECONDS)


def port_of(environ: Mapping[str, str]) -> int:
    """Return where Prometheus listens: at PROMETHEUS_PORT, else at 9090, else, where that is taken, anywhere.

    Raises:
        AddressError: PROMETHEUS_PORT is no port, or taken.
    """
    wanted = environ.get("PROMETHEUS_PORT")
    if not wanted:
        return DEFAULT_PORT if can_listen(LOOPBACK, DEFAULT_PORT) else free_port()
    if not (wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= 65535):
        raise AddressError(f"PROMETHEUS_PORT is {wanted!r}, not a number from 1 to 65535.")
    if not can_listen(LOOPBACK, int(wanted)):
        raise AddressError(f"Port {wanted} is taken: choose another one: PROMETHEUS_PORT={int(wanted) + 1}")
    return int(wanted)


def welcome(shop: str, prometheus: PrometheusServer) -> str:
    """Say where to look."""
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
