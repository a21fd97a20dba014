"""The adapter's settings: read once from the environment, every fault reported together."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from fargate.auth.api_keys import ApiKeys, read_api_keys
from fargate.errors import ConfigurationError

MEBIBYTE = 1024 * 1024

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_DAEMON_ADDRESS = re.compile(r"[^\s:]+:[0-9]{1,5}|tcp:[^\s:]+:[0-9]{1,5} udp:[^\s:]+:[0-9]{1,5}")

MAX_END_SECONDS = 110
"""How long an end may take: ECS kills a task 120 s after SIGTERM at the latest."""


KEYS_AT_AWS = "aws"
"""The word in COGNITO_JWKS that fetches the keys of a user pool from the pool itself, which is this URL:"""
AWS_JWKS_URL = "https://cognito-idp.{region}.amazonaws.com/{pool}/.well-known/jwks.json"


class Server(StrEnum):
    """How the app is served."""

    WAITRESS = "waitress"
    UVICORN = "uvicorn"
    GRANIAN = "granian"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the adapter reads from its environment; each field is the variable of the same name in capitals."""

    host: str = "0.0.0.0"
    port: int = 3000  # 0: a free one
    server: Server = Server.WAITRESS
    threads: int = 8  # requests served at the same time
    workers: int = 1  # processes: there is never another number
    api_keys: ApiKeys = field(default_factory=ApiKeys)
    cognito_jwks: str = ""  # URL of user pools' keys, with {region} and {pool}; empty: all refused
    base_path: str = ""  # API Gateway-style stage prefix, e.g. /api
    trusted_proxies: int = 0  # how many addresses at the end of X-Forwarded-For were written by proxies of ours
    max_body_bytes: int = 10 * MEBIBYTE  # API Gateway's payload limit
    max_header_bytes: int = 64 * 1024  # request line and headers together
    deadline_seconds: int = 29  # what get_remaining_time_in_millis counts down from: API Gateway's time-out
    drain_accept_seconds: int = 0  # how long new connections are accepted after SIGTERM: for a load balancer in front
    drain_seconds: int = 20  # how long requests may take to finish after that
    connection_limit: int = 1000  # connections open at the same time; the quietest one makes room for a new one
    keep_alive_seconds: int = 75  # how long a connection may be quiet: longer than a load balancer's 60 s
    powertools_service_name: str = ""  # the name in lines and traces; empty: the app's
    powertools_log_level: str = "INFO"
    powertools_trace_disabled: bool = False
    access_log_lines_per_second: int = 50  # so many successes a second have a line each
    access_log_one_in: int = 20  # of the others one in so many has one, which says for how many it stands
    access_log_slow_ms: int = 100  # a request that takes so long always has a line, as errors and traced ones do
    aws_xray_daemon_address: str = "127.0.0.1:2000"  # where segments go, by UDP


def _choice(text: str) -> Server:
    try:
        return Server(text)
    except ValueError:
        raise ValueError(f"is {text!r}, not one of {', '.join(Server)}") from None


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise ValueError(f"is {text!r}, not a whole number") from None
        if not low <= number <= high:
            raise ValueError(f"is {number}, not between {low} and {high}")
        return number

    return parse


def _one_process(text: str) -> int:
    if text != "1":
        raise ValueError(
            f"is {text!r}, but a task is one process: give it one vCPU, and run more tasks. Processes that accept from "
            "one socket share connections out unevenly, often all to one; a load balancer does not (docs/benchmarks.md)"
        )
    return 1


def _base_path(text: str) -> str:
    path = text.rstrip("/")
    if path and (not path.startswith("/") or "//" in path or set(path) & set("?#% ")):
        raise ValueError(f"is {text!r}, not a path such as /api")
    return path


def _cognito_jwks(text: str) -> str:
    if text != KEYS_AT_AWS and not (text.startswith(("https://", "http://")) and urlsplit(text).hostname):
        raise ValueError(f"is {text!r}, neither {KEYS_AT_AWS} nor a URL such as https://keys.example/{{pool}}.json")
    if find_spec("jwt") is None or find_spec("cryptography") is None:
        raise ValueError("needs PyJWT, which is not installed: pip install -r requirements-cognito.txt")
    return AWS_JWKS_URL if text == KEYS_AT_AWS else text


def _level(text: str) -> str:
    if text.upper() not in LEVELS:
        raise ValueError(f"is {text!r}, not one of {', '.join(LEVELS)}")
    return text.upper()


def _yes_or_no(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "y", "on", "t"):
        return True
    if text.lower() in ("0", "false", "no", "n", "off", "f"):
        return False
    raise ValueError(f"is {text!r}, neither true nor false")


def _daemon_address(text: str) -> str:
    """Check the forms that the X-Ray SDK reads: host:port, or one for each protocol."""
    if not _DAEMON_ADDRESS.fullmatch(text):
        raise ValueError(f"is {text!r}, not an address such as 127.0.0.1:2000")
    return text


PARSERS: dict[str, Callable[[str], Any]] = {
    "host": str,
    "port": _whole(0, 65_535),
    "server": _choice,
    "threads": _whole(1, 1000),
    "workers": _one_process,
    "cognito_jwks": _cognito_jwks,
    "base_path": _base_path,
    "trusted_proxies": _whole(0, 10),
    "max_body_bytes": _whole(1, 1024 * MEBIBYTE),
    "max_header_bytes": _whole(1024, MEBIBYTE),
    "deadline_seconds": _whole(1, 900),
    "drain_accept_seconds": _whole(0, MAX_END_SECONDS),
    "drain_seconds": _whole(0, MAX_END_SECONDS),
    "connection_limit": _whole(10, 100_000),
    "keep_alive_seconds": _whole(1, 4000),
    "powertools_service_name": str,
    "powertools_log_level": _level,
    "powertools_trace_disabled": _yes_or_no,
    "access_log_lines_per_second": _whole(0, 1_000_000),
    "access_log_one_in": _whole(1, 1_000_000),
    "access_log_slow_ms": _whole(1, 900_000),
    "aws_xray_daemon_address": _daemon_address,
}


def read_settings(environ: Mapping[str, str], arguments: Mapping[str, str | None] | None = None) -> Settings:
    """Read the adapter's settings; a command-line argument beats the variable of the same name.

    Raises:
        ConfigurationError: a value is wrong; the message names every fault.
    """
    given = {name: text for name, text in (arguments or {}).items() if text is not None}
    values: dict[str, Any] = {}
    faults: list[str] = []
    for name, parse in PARSERS.items():
        variable = name.upper()
        label = f"--{name}" if name in given else variable
        text = given.get(name) or environ.get(variable)
        if not text:
            continue
        try:
            values[name] = parse(text)
        except ValueError as fault:
            faults.append(f"{label} {fault}")
    try:
        values["api_keys"] = read_api_keys(environ)
    except ConfigurationError as fault:
        faults.append(str(fault))
    settings = replace(Settings(), **values)
    faults.extend(_contradictions(settings))
    if faults:
        raise ConfigurationError("\n".join(faults))
    return settings


def _contradictions(settings: Settings) -> list[str]:
    """Return what is wrong with settings that are right by themselves."""
    end_seconds = settings.drain_accept_seconds + settings.drain_seconds
    if end_seconds <= MAX_END_SECONDS:
        return []
    return [
        f"DRAIN_ACCEPT_SECONDS ({settings.drain_accept_seconds}) and DRAIN_SECONDS ({settings.drain_seconds}) follow "
        f"each other and make {end_seconds} s together, more than {MAX_END_SECONDS}: ECS kills a task 120 s after "
        "SIGTERM at the latest"
    ]


assert set(PARSERS) | {"api_keys"} == {each.name for each in fields(Settings)}, "a setting without a parser"  # noqa: S101
