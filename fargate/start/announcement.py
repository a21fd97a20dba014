"""Log what is served, what is closed and what no client can call."""

import logging
from collections.abc import Iterable

from chalice.app import Chalice

from fargate.gateway.unserved import Runs, Unserved
from fargate.settings import Settings
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
    if inventory.sockets:
        reached = "those of all tasks, through Redis" if settings.websocket_redis_url else "those of this task only"
        logger.info("Serving WebSockets on every path; websocket_api reaches %s", reached)
    elif app.websocket_handlers and settings.websockets:
        logger.warning("%s serves no WebSockets: SERVER=uvicorn does", settings.server)
    if run_elsewhere := _names(each for each in inventory.unserved if each.runs is Runs.BY_COMMAND):
        logger.info("Run by chalice-fargate poll and schedule, and not here: %s", run_elsewhere)
    if unserved := _names(each for each in inventory.unserved if each.runs is not Runs.BY_COMMAND):
        logger.warning("Not served here, since HTTP cannot reach them: %s", unserved)


def _names(handlers: Iterable[Unserved]) -> str:
    return ", ".join(map(str, handlers))


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
