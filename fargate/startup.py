"""What happens once, before the first request: check the settings, import the app, log what is served.

Every error in the adapter's and the app's settings is reported in one go.
"""

import importlib
import importlib.util
import logging
import resource
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from chalice.app import Chalice

from fargate.auth.authorizers import closed_routes
from fargate.errors import ConfigurationError
from fargate.fast_path import fast_routes_of
from fargate.gateway.unserved import unserved_handlers
from fargate.settings import Server, Settings, read_settings

logger = logging.getLogger("fargate")

MAX_DESCRIPTORS = 2**16
SPARE_DESCRIPTORS = 16
"""Beside one for each thread: for stores, the loop, secrets, log files."""
LEAST_CONNECTIONS = 10
SERVER_PACKAGES = {Server.UVICORN: ("uvicorn", "httptools")}
"""The packages of a server, if there are more than the one of its name."""


def prepare(
    target: str, environ: Mapping[str, str], arguments: Mapping[str, str | None] | None = None
) -> tuple[Settings, Chalice]:
    """Read the adapter's settings, import the app and run the app's own checks.

    Args:
        target: the app, `MODULE:ATTRIBUTE`.
        environ: the environment.
        arguments: command-line arguments by the name of the setting; they beat the environment.

    Raises:
        ConfigurationError: with the errors of both.
    """
    errors: list[str] = []
    settings, app = Settings(), None
    try:
        settings = read_settings(environ, arguments)
        check_server(settings.server)
    except ConfigurationError as error:
        errors.append(str(error))
    try:
        app = load_app(target)
        call_on_start(target)
        fast_routes_of(app)
    except ConfigurationError as error:
        errors.append(str(error))
    if errors or app is None:
        raise ConfigurationError("\n".join(errors))
    return settings, app


def check_server(server: Server) -> None:
    """Check that the chosen server is installed.

    Raises:
        ConfigurationError: it is not; the message says how to install it.
    """
    if any(importlib.util.find_spec(package) is None for package in SERVER_PACKAGES.get(server, (server,))):
        raise ConfigurationError(
            f"SERVER is {server}, which is not installed: pip install -r requirements-{server}.txt"
        )


def load_app(target: str) -> Chalice:
    """Import `MODULE:ATTRIBUTE`.

    Raises:
        ConfigurationError: there is no such module or attribute, or it is not a Chalice app.
    """
    module_name, _, attribute = target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name + ".").startswith(error.name + "."):
            raise
        raise ConfigurationError(f"There is no module {module_name!r} to serve (looked for {target!r})") from None
    app = getattr(module, attribute or "app", None)
    if not isinstance(app, Chalice):
        raise ConfigurationError(f"{target!r} is not a Chalice app")
    return app


def call_on_start(target: str) -> None:
    """Call `on_start()` of the app's module, if it has one. An app checks its own settings there.

    Raises:
        ConfigurationError: `on_start` raised SystemExit; the message is the same.
    """
    on_start = getattr(sys.modules[target.partition(":")[0]], "on_start", None)
    try:
        if callable(on_start):
            on_start()
    except SystemExit as error:
        raise ConfigurationError(str(error)) from None


def raise_descriptor_limit() -> int:
    """Raise the limit of open files as far as the system allows, so that connections do not hit it first; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MAX_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def fit_connection_limit(settings: Settings, descriptors: int) -> Settings:
    """Return settings whose limit of connections fits the limit of open files, and say if it is lowered.

    uvicorn and granian have no limit of connections: of theirs, only the warning is heard.
    """
    room = max(LEAST_CONNECTIONS, descriptors - _open_descriptors() - settings.threads - SPARE_DESCRIPTORS)
    if room >= settings.connection_limit:
        return settings
    logger.warning(
        "The limit of open files is %d (ulimit -n): there is room for %d connections, fewer than CONNECTION_LIMIT (%d)",
        descriptors,
        room,
        settings.connection_limit,
    )
    return replace(settings, connection_limit=room) if settings.server is Server.WAITRESS else settings


def _open_descriptors() -> int:
    try:
        return len(list(Path("/dev/fd").iterdir()))
    except OSError:
        return SPARE_DESCRIPTORS


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
