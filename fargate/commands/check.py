"""Say what of an app will be served or run, what is closed and what stays on Lambda; serve nothing.

It imports the app, as the start does, and nothing else happens: `on_start()` is not called, no secret is fetched, no
port is opened. Exit status: 0 if all is served and open, or run by another command; 1 if something is closed or stays
on Lambda; 2 if it cannot start.
"""

import argparse
import sys
import textwrap
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence

from chalice.app import Chalice, RouteEntry

from fargate.auth.authorizers import Closed
from fargate.commands.program import add_app, add_stage, program
from fargate.errors import ConfigurationError
from fargate.gateway.unserved import Runs, Unserved
from fargate.handlers.catalog import handlers_of
from fargate.lifecycle import PROBE_PATHS, Lifecycle
from fargate.schedules.schedule import schedules_of
from fargate.settings import PARSERS, Settings
from fargate.start.application import hook_of, prepare
from fargate.start.inventory import Inventory, names, take_inventory
from fargate.start.project import CONFIGURATION, LISTENING, Project, enter_project, project_here
from fargate.telemetry.xray.recorder import hand_to_tracer

ALL_SERVED, NOT_ALL_SERVED, CANNOT_START = 0, 1, 2

LINE_LENGTH = 100  # of lists of names

KEYS, KEYS_IN_SECRET = "API_KEYS", "API_KEYS_SECRET_ARN"
HIDDEN = {
    KEYS: "(not shown)",
    KEYS_IN_SECRET: "(not fetched)",
    "SCHEDULE_REDIS_URL": "(not shown)",
    "WEBSOCKET_ACCESS_KEYS": "(not shown)",
    "WEBSOCKET_REDIS_URL": "(not shown)",
}
"""What stands in place of a value."""
ELSEWHERE = {
    Runs.BY_COMMAND: "Run by other commands, since HTTP cannot reach them:",
    Runs.UNDER_UVICORN: "Not served by this server:",
    Runs.ON_LAMBDA: "Not run here: these stay on Lambda, since no command receives their events:",
}
NO_KEYS = "they require an API key and API_KEYS is not set"


def main(arguments: Sequence[str], environ: Mapping[str, str], lifecycle: Lifecycle) -> int:
    """Print what will be served of the app that the arguments name; return the exit status."""
    given = _parser().parse_args(arguments)
    environ = dict(environ)  # as it was before the project's variables are added
    hand_to_tracer()  # as the start does
    try:
        project = project_here(given.stage, environ)
        settings, app = _load(given.app, enter_project(project, environ))
        schedules_of(handlers_of(app, given.app.partition(":")[0]))  # refuses a malformed expression
    except ConfigurationError as error:
        print(f"Cannot start:\n{error}", file=sys.stderr)
        return CANNOT_START
    inventory = take_inventory(app, settings)
    print(*describe(app, inventory, settings), *_sources(project, environ), *_summary(inventory, settings), sep="\n")
    if hook_of(given.app) is not None:
        print("on_start() was not called: only the start does that.")
    return NOT_ALL_SERVED if closed_by(inventory, settings) or _left(inventory) else ALL_SERVED


def _left(inventory: Inventory) -> list[Unserved]:
    return _running(inventory, Runs.ON_LAMBDA) + _running(inventory, Runs.UNDER_UVICORN)


def _running(inventory: Inventory, where: Runs) -> list[Unserved]:
    return [each for each in inventory.unserved if each.runs is where]


def closed_by(inventory: Inventory, settings: Settings) -> list[Closed]:
    """Return what is closed, by authorizers and for want of API keys."""
    keyed = [Closed(NO_KEYS, inventory.keyed)] if inventory.keyed and settings.api_keys.is_closed else []
    return [*inventory.closed, *keyed]


def _load(target: str, environ: Mapping[str, str]) -> tuple[Settings, Chalice]:
    """Read the settings and import the app.

    Raises:
        ConfigurationError: a setting is wrong, there is no such app, or its import fails, whose traceback is printed.
    """
    try:
        return prepare(target, _without_secret(environ), calls_on_start=False)
    except ConfigurationError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  # of the app, whatever it is
        traceback.print_exc()
        raise ConfigurationError(f"Importing {target} fails: {type(error).__name__}: {error}") from None


def _without_secret(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with some key in place of the secret that holds the keys: that there are keys suffices."""
    kept = {name: value for name, value in environ.items() if name != KEYS_IN_SECRET}
    return {**kept, KEYS: "in the secret"} if environ.get(KEYS_IN_SECRET) else kept


def describe(app: Chalice, inventory: Inventory, settings: Settings) -> Iterator[str]:
    """Return the lines about routes and handlers."""
    closed = closed_by(inventory, settings)
    shut = {route for each in closed for route in each.routes}
    served = [entry for entry in inventory.entries if names([entry])[0] not in shut]
    yield f"{app.app_name}: what is served of it"
    yield from _part("Served:", [*_rows(served, settings), *_probes(app)])
    yield from _part("Served to WebSockets, on any path:", [[str(each)] for each in inventory.sockets])
    for each in closed:
        yield from _part(f"Closed, since {each.reason}:", [[route] for route in each.routes])
    for where, title in ELSEWHERE.items():
        yield from _part(title, [[str(each), each.caller] for each in _running(inventory, where)])


def _part(title: str, rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Return a title and its rows in columns; nothing if there are no rows."""
    if rows:
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        yield from ("", title, *(f"  {line.rstrip()}" for line in lines))


def _rows(entries: Iterable[RouteEntry], settings: Settings) -> list[list[str]]:
    """Return a row for each path with its methods; two where they are not protected alike."""
    methods: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        methods.setdefault((entry.uri_pattern, _protection(entry, settings)), []).append(entry.method)
    return [[", ".join(sorted(each)), path, protection] for (path, protection), each in sorted(methods.items())]


def _protection(entry: RouteEntry, settings: Settings) -> str:
    """Return what a request to a route needs."""
    key = "an API key, but API_KEYS=none lets anyone in" if settings.api_keys.is_open else "an API key"
    needed = [f"authorizer {entry.authorizer.name}"] if entry.authorizer is not None else []
    return ", ".join([*needed, key] if entry.api_key_required else needed)


def _probes(app: Chalice) -> list[list[str]]:
    return [["GET", path, "the adapter's own probe"] for path in sorted(PROBE_PATHS) if path not in dict(app.routes)]


def _sources(project: Project, environ: Mapping[str, str]) -> Iterator[str]:
    """Return the lines that say where settings and variables come from. Values of variables may be secret."""
    place = f"{CONFIGURATION}, stage {project.stage}"
    given = {name: (value, place) for name, value in project.environment.items() if name not in LISTENING}
    given |= {name: (value, "the environment") for name, value in environ.items() if value}
    settings = [name.upper() for name in PARSERS]
    rows = [[name, *given[name]] for name in sorted(settings) if name in given and name not in HIDDEN]
    rows += [[name, HIDDEN[name], given[name][1]] for name in HIDDEN if name in given]
    yield from _part("Settings that are not left to their defaults:", rows)
    others = [name for name in sorted(project.environment) if name not in (*settings, *HIDDEN)]
    beaten = "the environment has another value, which is used"
    yield from _part(f"Variables from {place}:", [[name, beaten if name in environ else ""] for name in others])
    lines = textwrap.wrap(", ".join(project.without_meaning), LINE_LENGTH)
    yield from _part("Keys there that mean nothing in a container:", [[line] for line in lines])


def _summary(inventory: Inventory, settings: Settings) -> Iterator[str]:
    routes = len({route for each in closed_by(inventory, settings) for route in each.routes})
    yield ""
    if routes or _left(inventory):
        sockets, others = (len(_running(inventory, each)) for each in (Runs.UNDER_UVICORN, Runs.ON_LAMBDA))
        counts = [f"{routes} closed", *([f"{sockets} for another server"] if sockets else []), f"{others} on Lambda"]
        yield f"Not all of it is served: {', '.join(counts)}."
    else:
        yield "All of it is served, or run by another command." if inventory.unserved else "All of it is served."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{program()} check",
        description="Say what of a Chalice app will be served or run, what is closed or stays on Lambda, and why. "
        "Imports the app and does nothing else.",
        epilog="Exit status: 0: all is served and open, or run by another command; 1: something is closed or stays on "
        "Lambda; 2: it cannot start.",
    )
    add_app(parser)
    add_stage(parser)
    return parser
