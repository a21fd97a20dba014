"""Log what is served, what is closed and what no client can call."""

import logging

from chalice.app import Chalice

from fargate.auth.authorizers import closed_routes
from fargate.gateway.unserved import unserved_handlers
from fargate.settings import Settings
from fargate.start.project import CONFIGURATION, Project

logger = logging.getLogger("fargate")


def announce(app: Chalice, settings: Settings, port: int) -> None:
    """Log what is served, and warn of routes and handlers that no client can call."""
    logger.info(
        "Serving %s on %s port %d with %s, %d threads",
        app.app_name,
        settings.host,
        port,
        settings.server,
        settings.threads,
    )
    entries = [entry for methods in app.routes.values() for entry in methods.values()]
    protected = sorted({f"{entry.method} {entry.uri_pattern}" for entry in entries if entry.api_key_required})
    if protected and settings.api_keys.is_closed:
        logger.warning("No API_KEYS: the routes that want a key are closed: %s", ", ".join(protected))
    if protected and settings.api_keys.is_open:
        logger.warning("API_KEYS=none: anyone may call the routes that want a key: %s", ", ".join(protected))
    for closed in closed_routes(app, settings.cognito_jwks):
        logger.warning("%s", closed)
    if unserved := unserved_handlers(app):
        logger.warning("Not served here, since HTTP cannot reach them: %s", ", ".join(unserved))


def announce_project(project: Project) -> None:
    """Log which variables the project's configuration has, and which of its keys mean nothing in a container."""
    parts = [
        f"{what}: {', '.join(names)}"
        for what, names in (("variables", project.environment), ("without a meaning here", project.without_meaning))
        if names
    ]
    if parts:
        logger.info("%s, stage %s, %s", CONFIGURATION, project.stage, "; ".join(parts))
