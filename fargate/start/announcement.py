"""Log what is served, what is closed and what no client can call."""

import logging
from collections.abc import Sequence

from chalice.app import Chalice

from fargate.gateway.unserved import Runs, Unserved
from fargate.settings import Settings, serves_websockets
from fargate.start.inventory import take_inventory
from fargate.start.project import CONFIGURATION, DEFAULT_STAGE, Project

logger = logging.getLogger("fargate")


def announce(app: Chalice, settings: Settings, port: int) -> None:
    """Log what is served, what other commands run, and warn of routes and handlers that no client can call."""
    logger.info(
        "Serving %s on %s port %d with %s, %d threads",
        app.app_name,
        settings.host,
        port,
        settings.server,
        settings.threads,
    )
    inventory = take_inventory(app, settings)
    keyed = ", ".join(inventory.keyed)
    if keyed and settings.api_keys.is_closed:
        logger.warning("No API_KEYS: the routes that want a key are closed: %s", keyed)
    if keyed and settings.api_keys.is_open:
        logger.warning("API_KEYS=none: anyone may call the routes that want a key: %s", keyed)
    for closed in inventory.closed:
        logger.warning("%s", closed)
    _announce_websockets(app, settings)
    _announce_unserved(inventory.unserved)


def _announce_websockets(app: Chalice, settings: Settings) -> None:
    if not app.websocket_handlers or not settings.websockets:
        return
    if serves_websockets(settings):
        reached = "those of all tasks, through Redis" if settings.websocket_redis_url else "those of this task only"
        opened = (
            "open to WEBSOCKET_ACCESS_KEYS" if settings.websocket_access_keys else "closed: no WEBSOCKET_ACCESS_KEYS"
        )
        logger.info("Serving WebSockets on every path; websocket_api reaches %s; /@connections is %s", reached, opened)
    else:
        logger.warning("%s serves no WebSockets: SERVER=uvicorn does", settings.server)


def _announce_unserved(handlers: Sequence[Unserved]) -> None:
    run = ", ".join(str(each) for each in handlers if each.runs is Runs.BY_COMMAND)
    others = ", ".join(str(each) for each in handlers if each.runs is not Runs.BY_COMMAND)
    if run:
        logger.info("Run by chalice-fargate poll and schedule, and not here: %s", run)
    if others:
        logger.warning("Not served here; chalice-fargate invoke calls each by name: %s", others)


def announce_reach(app: Chalice, settings: Settings) -> None:
    """Log that handlers of this process cannot send to the server's WebSockets, if the app has any."""
    if app.websocket_handlers and settings.websockets and not settings.websocket_redis_url:
        logger.info("websocket_api reaches no WebSockets from here: there is no WEBSOCKET_REDIS_URL")


def announce_project(project: Project) -> None:
    """Log which variables the project's configuration has, and which of its keys mean nothing in a container.

    Without a configuration, log the stage if one is named: it has no variables then.
    """
    parts = [
        f"{what}: {', '.join(names)}"
        for what, names in (("variables", project.environment), ("without a meaning here", project.without_meaning))
        if names
    ]
    if parts:
        logger.info("%s, stage %s, %s", CONFIGURATION, project.stage, "; ".join(parts))
    elif project.stage != DEFAULT_STAGE and not (project.folder / CONFIGURATION).is_file():
        logger.info("Stage %s, without variables of its own: there is no %s", project.stage, CONFIGURATION)
