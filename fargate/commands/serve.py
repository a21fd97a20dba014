"""Serve a Chalice app: prepare it, listen, run the server."""

import argparse
import gc
import logging
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from chalice.app import Chalice

from fargate import __version__
from fargate.commands.program import add_app, add_stage, exit_at_once, program
from fargate.errors import ConfigurationError
from fargate.lifecycle import Lifecycle
from fargate.servers import waitress_server
from fargate.servers.listening import listen
from fargate.settings import PARSERS, Server, Settings
from fargate.start.announcement import announce, announce_project
from fargate.start.application import prepare
from fargate.start.descriptors import fit_connection_limit, raise_descriptor_limit
from fargate.start.project import DEFAULT_STAGE, enter_project, project_here
from fargate.telemetry.access_log import configure_logging
from fargate.telemetry.http_metrics import DroppedLines
from fargate.telemetry.redaction import process_secrets
from fargate.telemetry.stdout import BoundedStdout, bound_stdout
from fargate.telemetry.telemetry import Telemetry, registry_of, service_of, telemetry_of
from fargate.telemetry.xray.recorder import hand_to_tracer
from fargate.wsgi import create_wsgi_app

if TYPE_CHECKING:
    from fargate.asgi import AsgiAdapter

logger = logging.getLogger("fargate")


class Origin(NamedTuple):
    """Where an app comes from: part of how its handlers are called."""

    module: str = "app"
    stage: str = DEFAULT_STAGE


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
        listener = listen(settings.host, settings.port)
    except ConfigurationError as error:
        print(f"Cannot start:\n{error}", file=sys.stderr)
        return 2
    registry_of(app).register(DroppedLines(stdout))
    configure_logging(service_of(app, settings), settings.powertools_log_level, process_secrets(environ))
    settings = fit_connection_limit(settings, raise_descriptor_limit())
    announce(app, settings, listener.getsockname()[1])
    announce_project(project)
    gc.collect()
    gc.freeze()  # objects made so far are kept for good: scanning them again would stop requests for 30 ms each time
    serve(app, listener, settings, lifecycle, Origin(given.app.partition(":")[0], project.stage))
    logger.info("Stopped")
    if settings.server is Server.GRANIAN:
        exit_at_once(stdout, 0)  # a granian thread that still uses the interpreter would abort the process
    return 0


def serve(
    app: Chalice, listener: socket.socket, settings: Settings, lifecycle: Lifecycle, origin: Origin | None = None
) -> None:
    """Serve until SIGTERM with the server that the settings name."""
    telemetry = telemetry_of(app, settings)
    try:
        _serve(app, listener, settings, lifecycle, telemetry, origin or Origin())
    finally:
        telemetry.finish()


def _serve(
    app: Chalice,
    listener: socket.socket,
    settings: Settings,
    lifecycle: Lifecycle,
    telemetry: Telemetry,
    origin: Origin,
) -> None:
    """Import the chosen server and run it; the others need not be installed."""
    if settings.server is Server.WAITRESS:
        waitress_server.serve(create_wsgi_app(app, settings, lifecycle, telemetry), listener, settings, lifecycle)
        return
    from fargate.asgi import create_asgi_app

    asgi_app = create_asgi_app(app, settings, lifecycle, telemetry)
    if settings.server is Server.UVICORN:
        from fargate.servers import uvicorn_server

        if app.websocket_handlers:
            _serve_websockets(app, asgi_app, settings, origin)

        uvicorn_server.serve(asgi_app, listener, settings, lifecycle)
    else:
        from fargate.servers import granian_server

        granian_server.serve(asgi_app, listener, settings, lifecycle)


def _serve_websockets(app: Chalice, adapter: "AsgiAdapter", settings: Settings, origin: Origin) -> None:
    """Have the app's handlers of WebSockets called, and its `websocket_api` send to this process's connections."""
    from fargate.patches.websocket_client import send_through
    from fargate.websockets.client import ManagementClient
    from fargate.websockets.sockets import sockets_of

    sockets = sockets_of(app, settings, *origin)
    send_through(app, ManagementClient(sockets.connections))
    adapter.open_websocket = sockets.open


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
