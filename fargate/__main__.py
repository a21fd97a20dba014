"""`python -m fargate [MODULE:ATTRIBUTE]`: serve a Chalice app until told to stop."""

import argparse
import gc
import importlib
import importlib.util
import logging
import os
import resource
import socket
import sys
from collections.abc import Mapping, Sequence

from chalice.app import Chalice

from fargate.auth.authorizers import closed_routes
from fargate.errors import ConfigurationError
from fargate.fast_path import fast_routes_of
from fargate.gateway.unserved import unserved_handlers
from fargate.lifecycle import Lifecycle, Phase
from fargate.servers import waitress_server
from fargate.servers.listening import listen
from fargate.settings import PARSERS, Server, Settings, read_settings
from fargate.telemetry.access_log import configure_logging
from fargate.telemetry.http_metrics import DroppedLines
from fargate.telemetry.redaction import process_secrets
from fargate.telemetry.stdout import BoundedStdout, bound_stdout
from fargate.telemetry.telemetry import Telemetry, registry_of, service_of, telemetry_of
from fargate.telemetry.xray.recorder import hand_to_tracer
from fargate.wsgi import create_wsgi_app

logger = logging.getLogger("fargate")

MAX_DESCRIPTORS = 2**16
NEEDED = {Server.UVICORN: ("uvicorn", "httptools")}
"""What a server consists of, where that is more than the package of its name."""


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Serve; return the process's exit code: 0 after an orderly end, 2 for a bad setting, 1 for anything else."""
    given = _parser().parse_args(arguments)
    stdout = bound_stdout()
    try:
        return run(given, environ, stdout)
    finally:
        stdout.finish()


def run(given: argparse.Namespace, environ: Mapping[str, str], stdout: BoundedStdout) -> int:
    """Serve, as `main` says; `stdout` is where lines go."""
    configure_logging(environ.get("POWERTOOLS_SERVICE_NAME") or "chalice-app", "INFO", process_secrets(environ))
    hand_to_tracer()  # before the app makes one: without this recorder, a Tracer imports the X-Ray SDK at once
    try:
        settings, app = prepare(given, environ)
        listener = listen(settings.host, settings.port)
    except ConfigurationError as error:
        print(f"Cannot start:\n{error}", file=sys.stderr)
        return 2
    registry_of(app).register(DroppedLines(stdout))
    configure_logging(service_of(app, settings), settings.powertools_log_level, process_secrets(environ))
    _raise_descriptor_limit()
    announce(app, settings, listener.getsockname()[1])
    lifecycle = Lifecycle(Phase.STARTING)
    gc.collect()
    gc.freeze()  # what is there by now stays: looking through it again would hold up answers for 30 ms each time
    serve(app, listener, settings, lifecycle)
    logger.info("Stopped")
    if settings.server is Server.GRANIAN:
        _leave_at_once(stdout)
    return 0


def _leave_at_once(stdout: BoundedStdout) -> None:
    """End the process without taking the interpreter down: a thread of granian's that still wants it would abort."""
    logging.shutdown()
    stdout.finish()
    sys.stderr.flush()
    os._exit(0)


def serve(app: Chalice, listener: socket.socket, settings: Settings, lifecycle: Lifecycle) -> None:
    """Serve with the server that the settings name until told to stop; its package is imported only here."""
    telemetry = telemetry_of(app, settings)
    try:
        _serve(app, listener, settings, lifecycle, telemetry)
    finally:
        telemetry.finish()


def _serve(
    app: Chalice, listener: socket.socket, settings: Settings, lifecycle: Lifecycle, telemetry: Telemetry
) -> None:
    if settings.server is Server.WAITRESS:
        waitress_server.serve(create_wsgi_app(app, settings, lifecycle, telemetry), listener, settings, lifecycle)
        return
    from fargate.asgi import create_asgi_app

    asgi_app = create_asgi_app(app, settings, lifecycle, telemetry)
    if settings.server is Server.UVICORN:
        from fargate.servers import uvicorn_server

        uvicorn_server.serve(asgi_app, listener, settings, lifecycle)
    else:
        from fargate.servers import granian_server

        granian_server.serve(asgi_app, listener, settings, lifecycle)


def check_server(server: Server) -> None:
    """Make sure that the chosen server is installed.

    Raises:
        ConfigurationError: it is not; says how to install it.
    """
    if any(importlib.util.find_spec(package) is None for package in NEEDED.get(server, (server,))):
        raise ConfigurationError(
            f"SERVER is {server}, which is not installed: pip install -r requirements-{server}.txt"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fargate", description="Serve a Chalice app from a container.")
    parser.add_argument("app", nargs="?", default="app:app", metavar="MODULE:ATTRIBUTE", help="default: app:app")
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


def prepare(given: argparse.Namespace, environ: Mapping[str, str]) -> tuple[Settings, Chalice]:
    """Read the adapter's settings, import the app and let it check its own.

    Raises:
        ConfigurationError: with the faults of both.
    """
    faults: list[str] = []
    settings, app = Settings(), None
    try:
        settings = read_settings(environ, {name: getattr(given, name, None) for name in PARSERS})
        check_server(settings.server)
    except ConfigurationError as error:
        faults.append(str(error))
    try:
        app = load_app(given.app)
        start_app(given.app)
        fast_routes_of(app)
    except ConfigurationError as error:
        faults.append(str(error))
    if faults or app is None:
        raise ConfigurationError("\n".join(faults))
    return settings, app


def start_app(target: str) -> None:
    """Call the app's module's `on_start()` where there is one: the place to check settings before the first request.

    Raises:
        ConfigurationError: it raised SystemExit; the message is the one that it gave.
    """
    on_start = getattr(sys.modules[target.partition(":")[0]], "on_start", None)
    try:
        if callable(on_start):
            on_start()
    except SystemExit as error:
        raise ConfigurationError(str(error)) from None


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


def _raise_descriptor_limit() -> None:
    """Allow as many open files as the system lets us: connections are not to be what runs out first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def announce(app: Chalice, settings: Settings, port: int) -> None:
    """Say once, at the start, what is served and what is not."""
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
