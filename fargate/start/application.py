"""Read the settings and import the app; every error in the adapter's and the app's settings is reported in one go."""

import importlib
import sys
from collections.abc import Callable, Mapping

from chalice.app import Chalice

from fargate.errors import ConfigurationError
from fargate.fast_path import fast_routes_of
from fargate.requirements import EXTRAS, check_extra
from fargate.settings import Server, Settings, read_settings


def prepare(
    target: str,
    environ: Mapping[str, str],
    arguments: Mapping[str, str | None] | None = None,
    *,
    calls_on_start: bool = True,
) -> tuple[Settings, Chalice]:
    """Read the adapter's settings, import the app and run the app's own checks.

    Args:
        target: the app, `MODULE:ATTRIBUTE`.
        environ: the environment.
        arguments: command-line arguments by the name of the setting; they beat the environment.
        calls_on_start: whether the app's own checks run; they may do more than check.

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
        if calls_on_start:
            call_on_start(target)
        fast_routes_of(app)
    except ConfigurationError as error:
        errors.append(str(error))
    if errors or app is None:
        raise ConfigurationError("\n".join(errors))
    return settings, app


def check_server(server: Server) -> None:
    """Check that the chosen server is installed, and new enough.

    Raises:
        ConfigurationError: it is not; the message says how to install it.
    """
    if server not in EXTRAS:
        return
    try:
        check_extra(server)
    except ConfigurationError as error:
        raise ConfigurationError(f"SERVER is {server}, but {error}") from None


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
        or_command = "; --help lists the commands" if target.isidentifier() else ""  # `pool` is a mistyped `poll`
        message = f"There is no module {module_name!r} to serve (looked for {target!r}){or_command}"
        raise ConfigurationError(message) from None
    app = getattr(module, attribute or "app", None)
    if not isinstance(app, Chalice):
        raise ConfigurationError(f"{target!r} is not a Chalice app")
    return app


def hook_of(target: str) -> Callable[[], object] | None:
    """Return `on_start` of the app's module, which is imported already; None if it has no such function."""
    on_start = getattr(sys.modules[target.partition(":")[0]], "on_start", None)
    return on_start if callable(on_start) else None


def call_on_start(target: str) -> None:
    """Call `on_start()` of the app's module, if it has one. An app checks its own settings there.

    Raises:
        ConfigurationError: `on_start` raised SystemExit; the message is the same.
    """
    on_start = hook_of(target)
    try:
        if on_start is not None:
            on_start()
    except SystemExit as error:
        raise ConfigurationError(str(error)) from None
