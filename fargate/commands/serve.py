"""Serve a Chalice app: prepare it, listen, run the server."""

import argparse
import gc
import logging
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from chalice.app import Chalice

from fargate import __version__
from fargate.commands.program import add_app, add_stage, exit_at_once, program
from fargate.errors import ConfigurationError
from fargate.lifecycle import Lifecycle
from fargate.servers import waitress_server
from fargate.servers.listening import listen
from fargate.settings import PARSERS, Server, Settings, serves_websockets
from fargate.start.announcement import announce, announce_project
from fargate.start.application import prepare
from fargate.start.descriptors import fit_connection_limit, most_websockets, raise_descriptor_limit
from fargate.start.project import enter_project, project_here
from fargate.start.sockets import reach_websockets
from fargate.telemetry.access_log import configure_logging
from fargate.telemetry.http_metrics import DroppedLines
from fargate.telemetry.redaction import process_secrets
from fargate.telemetry.stdout import BoundedStdout, bound_stdout
from fargate.telemetry.telemetry import Telemetry, registry_of, service_of, telemetry_of
from fargate.telemetry.xray.recorder import hand_to_tracer
from fargate.wsgi import create_wsgi_app

if TYPE_CHECKING:
    from fargate.websockets.sockets import Sockets

logger = logging.getLogger("fargate")


def main(arguments: Sequence[str], environ: Mapping[str, str], lifecycle: Lifecycle) -> int:
    """Serve; return the process's exit code: 0 after an orderly end, 2 for a bad setting, 1 for anything else."""
    given = _parser().parse_args(arguments)
    stdout = bound_stdout()
    try:
        return run(given, environ, stdout, lifecycle)
    finally:
        stdout.finish()


def run(given: argparse.Namespace, environ: Mapping[str, str], stdout: BoundedStdout, lifecycle: Lifecycle) -> int:
    """Serve and return the exit code, as `main` does; log lines go to `stdout`."""
    try:
        project = project_here(given.stage, environ)
        environ = enter_project(project, environ)
        configure_logging(environ.get("POWERTOOLS_SERVICE_NAME") or "chalice-app", "INFO", process_secrets(environ))
        hand_to_tracer()  # before the app makes a Tracer: without this recorder, a Tracer imports the X-Ray SDK at once
        settings, app = prepare(given.app, environ, {name: getattr(given, name, None) for name in PARSERS})
        configure_logging(service_of(app, settings), settings.powertools_log_level, process_secrets(environ))
        sockets = _sockets(app, settings, given.app.partition(":")[0], project.stage)
        listener = listen(settings.host, settings.port)
    except ConfigurationError as error:
        print(f"Cannot start:\n{error}", file=sys.stderr)
        return 2
    registry_of(app).register(DroppedLines(stdout))
    descriptors = raise_descriptor_limit()
    settings = fit_connection_limit(settings, descriptors)
    if sockets is not None:
        sockets.most = most_websockets(settings, descriptors)
    announce(app, settings, listener.getsockname()[1])
    announce_project(project)
    gc.collect()
    gc.freeze()  # objects made so far are kept for good: scanning them again would stop requests for 30 ms each time
    serve(app, listener, settings, lifecycle, sockets)
    logger.info("Stopped")
    if settings.server is Server.GRANIAN:
        exit_at_once(stdout, 0)  # a granian thread that still uses the interpreter would abort the process
    return 0


def serve(
    app: Chalice,
    listener: socket.socket,
    settings: Settings,
    lifecycle: Lifecycle,
    sockets: "Sockets | None" = None,
) -> None:
    """Serve until SIGTERM with the server that the settings name; uvicorn hands WebSockets to `sockets`."""
    telemetry = telemetry_of(app, settings)
    try:
        _serve(app, listener, settings, lifecycle, telemetry, sockets)
    finally:
        telemetry.finish()
        if sockets is not None:
            sockets.finish()


def _serve(
    app: Chalice,
    listener: socket.socket,
    settings: Settings,
    lifecycle: Lifecycle,
    telemetry: Telemetry,
    sockets: "Sockets | None",
) -> None:
    """Import the chosen server and run it; the others need not be installed."""
    if settings.server is Server.WAITRESS:
        waitress_server.serve(create_wsgi_app(app, settings, lifecycle, telemetry), listener, settings, lifecycle)
        return
    from fargate.asgi import create_asgi_app

    asgi_app = create_asgi_app(app, settings, lifecycle, telemetry)
    if settings.server is Server.UVICORN:
        from fargate.servers import uvicorn_server

        if sockets is not None:
            asgi_app.open_websocket, asgi_app.gateway.management = sockets.open, sockets.management

        uvicorn_server.serve(asgi_app, listener, settings, lifecycle)
    else:
        from fargate.servers import granian_server

        granian_server.serve(asgi_app, listener, settings, lifecycle)


def _sockets(app: Chalice, settings: Settings, module: str, stage: str) -> "Sockets | None":
    """Return what serves WebSockets, if they are served; have the app's `websocket_api` send through us.

    Raises:
        ConfigurationError: the URL of Redis is malformed.
    """
    if not serves_websockets(settings) or not app.websocket_handlers:
        reach_websockets(app, settings, stage)
        return None
    from fargate.websockets.management import Management
    from fargate.websockets.sockets import sockets_of

    sockets = sockets_of(app, settings, module, stage)
    reach = reach_websockets(app, settings, stage, sockets.connections)
    if reach is not None and settings.websocket_access_keys:
        keys = dict(settings.websocket_access_keys)
        sockets.management = Management(reach, keys, sockets.handlers.stage)
    return sockets


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program(),
        description="Serve a Chalice app from a container.",
        epilog=f"Other commands: {program()} check says what of an app will be served; {program()} dockerfile writes a "
        f"Dockerfile and a compose file for the Chalice project in this folder; {program()} invoke calls one handler; "
        f"{program()} poll consumes the queues of handlers; {program()} schedule runs schedules. Each has a --help.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    add_app(parser)
    add_stage(parser)
    parser.add_argument("--server", help=f"{', '.join(Server)}; default: {Settings().server}; variable: SERVER")
    for name, meaning in (
        ("host", "the address to listen on"),
        ("port", "the port to listen on; 0 asks for a free one"),
        ("threads", "how many requests are served at the same time"),
        ("workers", "how many processes serve: 1, and no other number, since more tasks do better"),
    ):
        parser.add_argument(
            f"--{name}", help=f"{meaning}; default: {getattr(Settings(), name)}; variable: {name.upper()}"
        )
    return parser
