"""How `invoke`, `poll` and `schedule` start: the project, its logs and traces, the settings, the app."""

from collections.abc import Mapping

from chalice.app import Chalice

from fargate.commands.program import starting
from fargate.settings import Settings
from fargate.start.application import prepare
from fargate.start.project import Project, enter_project
from fargate.start.sockets import reach_websockets
from fargate.telemetry.access_log import configure_logging
from fargate.telemetry.redaction import process_secrets
from fargate.telemetry.telemetry import service_of
from fargate.telemetry.xray.recorder import hand_to_tracer

ONLY_FOR_REQUESTS = ("API_KEYS", "API_KEYS_SECRET_ARN")
"""A task that serves no routes need not be allowed to read that secret."""


def enter(project: Project, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Make the process ready to import the app, as `serve` does; return the environment for the settings."""
    environ = enter_project(project, environ)
    configure_logging(environ.get("POWERTOOLS_SERVICE_NAME") or "chalice-app", "INFO", process_secrets(environ))
    hand_to_tracer()  # before the app makes a Tracer
    return environ


def prepared(target: str, stage: str, environ: Mapping[str, str]) -> tuple[Settings, Chalice]:
    """Read the settings, import the app and run its own checks; its handlers reach the WebSockets of other tasks.

    Raises:
        ConfigurationError: a setting is wrong, or the app fails at its start.
    """
    with starting(target):
        settings, app = prepare(target, {name: environ[name] for name in environ if name not in ONLY_FOR_REQUESTS})
    configure_logging(service_of(app, settings), settings.powertools_log_level, process_secrets(environ))
    reach_websockets(app, settings, stage)
    return settings, app
