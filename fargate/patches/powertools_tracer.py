"""Powertools' Tracer records outside Lambda, and without the X-Ray SDK.

Changes `Tracer._config` and `Tracer._is_tracer_disabled`. A Tracer disables itself outside Lambda. It also imports the
X-Ray SDK when it is created, which takes a third of a second, unless its configuration already has a provider.

Drop when Tracer has a public way to set a default provider and to stay enabled outside Lambda.
"""

import os
from typing import Any

from aws_lambda_powertools import Tracer
from aws_lambda_powertools.shared.functions import resolve_truthy_env_var_choice
from aws_lambda_powertools.tracing.base import BaseProvider


def set_default_provider(provider: BaseProvider) -> None:
    """Every Tracer created from now on uses this provider, unless the app has set its own.

    It patches libraries, which imports the X-Ray SDK, only if the app says `auto_patch=True` or calls `patch`.
    """
    config: Any = Tracer._config
    config["provider"] = config["provider"] or provider
    config["auto_patch"] = False


def enable_outside_lambda() -> None:
    """Tracers created from now on are enabled, unless the environment disables them."""
    tracer: Any = Tracer
    tracer._is_tracer_disabled = staticmethod(_is_switched_off)
    tracer._config["disabled"] = False


def _is_switched_off() -> bool:
    return resolve_truthy_env_var_choice(env=os.getenv("POWERTOOLS_TRACE_DISABLED", "false"))


def keep_responses_out() -> None:
    """Functions decorated from now on do not have their results in traces, unless the environment asks for it."""
    os.environ.setdefault("POWERTOOLS_TRACER_CAPTURE_RESPONSE", "false")  # they may hold personal data
