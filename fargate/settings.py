"""The adapter's settings, read once from the environment; all errors are reported together."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from fargate.auth.api_keys import ApiKeys, read_api_keys
from fargate.errors import ConfigurationError
from fargate.requirements import check_extra

MEBIBYTE = 1024 * 1024

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_DAEMON_ADDRESS = re.compile(r"[^\s:]+:[0-9]{1,5}|tcp:[^\s:]+:[0-9]{1,5} udp:[^\s:]+:[0-9]{1,5}")

MAX_PORT = 65_535

MAX_SHUTDOWN_SECONDS = 110
"""ECS kills a task 120 s after SIGTERM at the latest."""

KEYS_AT_AWS = "aws"
"""COGNITO_JWKS with this value stands for AWS_JWKS_URL, where Cognito publishes a pool's keys."""
AWS_JWKS_URL = "https://cognito-idp.{region}.amazonaws.com/{pool}/.well-known/jwks.json"


class Server(StrEnum):
    """The servers that can run the app."""

    WAITRESS = "waitress"
    UVICORN = "uvicorn"
    GRANIAN = "granian"


class BinaryRule(StrEnum):
    """Who decides whether a client gets bytes or base64 text."""

    LENIENT = "lenient"  # the app: what it sends as bytes are bytes, for every client
    STRICT = "strict"  # API Gateway's rule, by the app's list of binary media types and the first Accept


@dataclass(frozen=True, slots=True)
class Settings:
    """The adapter's settings. Each field is an environment variable of the same name in capitals."""

    host: str = "0.0.0.0"
    port: int = 3000  # 0: any free port
    server: Server = Server.WAITRESS
    threads: int = 8  # requests served at the same time
    workers: int = 1  # processes; always 1
    api_keys: ApiKeys = field(default_factory=ApiKeys)
    cognito_jwks: str = ""  # URL of user pools' keys, with {region} and {pool}; empty: all their tokens are refused
    binary_media_types: BinaryRule = BinaryRule.LENIENT
    base_path: str = ""  # API Gateway-style stage prefix, e.g. /api
    trusted_proxies: int = 0  # how many addresses at the end of X-Forwarded-For our own proxies have added
    max_body_bytes: int = 10 * MEBIBYTE  # API Gateway's payload limit
    max_header_bytes: int = 64 * 1024  # request line and headers together
    deadline_seconds: int = 29  # where get_remaining_time_in_millis starts: API Gateway's time-out
    drain_accept_seconds: int = 0  # new connections are accepted this long after SIGTERM, for a load balancer
    drain_seconds: int = 20  # then requests have this long to finish
    connection_limit: int = 1000  # open connections; at the limit, a new one closes the longest idle one
    keep_alive_seconds: int = 75  # idle connections are closed after this: more than a load balancer's 60 s
    head_seconds: int = 15  # from a request's first byte to the end of its headers
    body_seconds: int = 60  # from there to the end of its body: 6 MB over a mobile link of 1 Mbit/s take 48 s
    powertools_service_name: str = ""  # service in log lines and traces; empty: the app's name
    powertools_log_level: str = ""  # of every line; empty: INFO, or what the app sets for its own loggers
    powertools_trace_disabled: bool = False
    access_log_lines_per_second: int = 50  # this many successes a second are all logged
    access_log_one_in: int = 20  # beyond that one in this many is logged, with the number that it stands for
    access_log_slow_ms: int = 100  # slower requests are always logged, like errors and traced requests
    aws_xray_daemon_address: str = "127.0.0.1:2000"  # UDP address of the X-Ray daemon
    schedule_redis_url: str = field(default="", repr=False)  # where the lease is; empty: this process is the only one
    schedule_lease_seconds: int = 15  # after the holder's last sign of life, another process runs the schedules
    schedule_retries: int = 2  # how often a failed run is repeated: as often as Lambda does
    poll_queues: tuple[tuple[str, str], ...] = ()  # handlers and their queues, besides those of the decorators
    poll_concurrency: int = 5  # batches of one queue that are handled at the same time: Lambda begins with as many
    poll_wait_seconds: int = 20  # how long a receive waits for its first message: the longest that SQS allows
    websockets: bool = True  # whether uvicorn serves them; False: API Gateway does, and `websocket_api` sends there
    websocket_message_bytes: int = 128 * 1024  # of one message: API Gateway's limit, as are the next three
    websocket_frame_bytes: int = 32 * 1024  # of one frame of a client's message
    websocket_idle_seconds: int = 600  # a connection without a byte or a message is closed after this
    websocket_seconds: int = 7200  # and every connection after this
    websocket_redis_url: str = field(default="", repr=False)  # through it tasks reach each other's WebSockets
    websocket_access_keys: tuple[tuple[str, str], ...] = field(
        default=(), repr=False
    )  # ids and secrets for /@connections
    metrics_port: int = 0  # where `poll` serves /metrics; 0: nowhere


def serves_websockets(settings: Settings) -> bool:
    """Tell whether the server that the settings name serves WebSockets, if the app has handlers for them."""
    return settings.server is Server.UVICORN and settings.websockets


def _one_of(choices: type[StrEnum]) -> Callable[[str], StrEnum]:
    def parse(text: str) -> StrEnum:
        try:
            return choices(text)
        except ValueError:
            raise ValueError(f"is {text!r}, not one of {', '.join(choices)}") from None

    return parse


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
            "one socket share connections out unevenly, often all to one; a load balancer does not"
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
    """Check an address in one of the X-Ray SDK's forms: host:port, or one for each protocol."""
    ports = map(int, re.findall(r":(\d+)(?= |$)", text, re.ASCII))
    if not _DAEMON_ADDRESS.fullmatch(text) or not all(0 < port <= MAX_PORT for port in ports):
        raise ValueError(f"is {text!r}, not an address such as 127.0.0.1:2000")
    return text


def _redis_url(text: str) -> str:
    if urlsplit(text).scheme not in ("redis", "rediss", "unix"):
        raise ValueError("is not a URL such as rediss://host:6379/0")  # it may hold a password
    return text


def _poll_queues(text: str) -> tuple[tuple[str, str], ...]:
    """Read pairs such as `news=news-queue,removed=arn:aws:sqs:...`; a handler may have several queues."""
    pairs = []
    for each in filter(None, map(str.strip, text.split(","))):
        name, _, queue = (part.strip() for part in each.partition("="))
        if not name or not queue:
            raise ValueError(f"has {each!r}, not a handler and its queue such as news=news-queue")
        pairs.append((name, queue))
    return tuple(pairs)


def _access_keys(text: str) -> tuple[tuple[str, str], ...]:
    """Read pairs such as `AKIAEXAMPLE:secret`; a message shows none."""
    pairs = [each.strip().partition(":") for each in text.split(",") if each.strip()]
    if not all(re.fullmatch(r"[^/\s]+", key_id) and secret for key_id, _, secret in pairs):
        raise ValueError("is not a list of key ids and secrets such as AKIAEXAMPLE:secret,AKIAOTHER:secret")
    return tuple((key_id, secret) for key_id, _, secret in pairs)


PARSERS: dict[str, Callable[[str], Any]] = {
    "host": str,
    "port": _whole(0, MAX_PORT),
    "server": _one_of(Server),
    "threads": _whole(1, 1000),
    "workers": _one_process,
    "cognito_jwks": _cognito_jwks,
    "binary_media_types": _one_of(BinaryRule),
    "base_path": _base_path,
    "trusted_proxies": _whole(0, 10),
    "max_body_bytes": _whole(1, 1024 * MEBIBYTE),
    "max_header_bytes": _whole(1024, MEBIBYTE),
    "deadline_seconds": _whole(1, 900),
    "drain_accept_seconds": _whole(0, MAX_SHUTDOWN_SECONDS),
    "drain_seconds": _whole(0, MAX_SHUTDOWN_SECONDS),
    "connection_limit": _whole(10, 100_000),
    "keep_alive_seconds": _whole(1, 4000),
    "head_seconds": _whole(1, 4000),
    "body_seconds": _whole(1, 4000),
    "powertools_service_name": str,
    "powertools_log_level": _level,
    "powertools_trace_disabled": _yes_or_no,
    "access_log_lines_per_second": _whole(0, 1_000_000),
    "access_log_one_in": _whole(1, 1_000_000),
    "access_log_slow_ms": _whole(1, 900_000),
    "aws_xray_daemon_address": _daemon_address,
    "schedule_redis_url": _redis_url,
    "schedule_lease_seconds": _whole(1, 300),
    "schedule_retries": _whole(0, 2),
    "poll_queues": _poll_queues,
    "poll_concurrency": _whole(1, 1000),
    "poll_wait_seconds": _whole(1, 20),
    "websockets": _yes_or_no,
    "websocket_message_bytes": _whole(1, 64 * MEBIBYTE),
    "websocket_frame_bytes": _whole(1, 64 * MEBIBYTE),
    "websocket_idle_seconds": _whole(1, 86_400),
    "websocket_seconds": _whole(1, 604_800),
    "websocket_redis_url": _redis_url,
    "websocket_access_keys": _access_keys,
    "metrics_port": _whole(0, MAX_PORT),
}

EXTRA_OF = {"cognito_jwks": "cognito", "schedule_redis_url": "redis", "websocket_redis_url": "redis"}
"""The extra of the package that a setting needs. It is checked here, and the command `dockerfile` installs it."""


def read_settings(environ: Mapping[str, str], arguments: Mapping[str, str | None] | None = None) -> Settings:
    """Read the adapter's settings; a command-line argument beats the variable of the same name.

    Raises:
        ConfigurationError: a value is wrong; the message has one line for each error.
    """
    given = {name: text for name, text in (arguments or {}).items() if text is not None}
    values: dict[str, Any] = {}
    errors: list[str] = []
    for name, parse in PARSERS.items():
        variable = name.upper()
        label = f"--{name}" if name in given else variable
        text = given.get(name) or environ.get(variable)
        if not text:
            continue
        try:
            values[name] = parse(text)
            _check_extra_of(name)
        except ValueError as error:
            errors.append(f"{label} {error}")
    try:
        values["api_keys"] = read_api_keys(environ)
    except ConfigurationError as error:
        errors.append(str(error))
    settings = replace(Settings(), **values)
    errors.extend(_contradictions(settings))
    if errors:
        raise ConfigurationError("\n".join(errors))
    return settings


def _check_extra_of(name: str) -> None:
    """Check that the extra that a setting needs is installed."""
    try:
        if name in EXTRA_OF:
            check_extra(EXTRA_OF[name])
    except ConfigurationError as error:
        raise ValueError(f"cannot be used: {error}") from None


def _contradictions(settings: Settings) -> list[str]:
    """Return errors of settings that are valid alone but not together."""
    shutdown_seconds = settings.drain_accept_seconds + settings.drain_seconds
    if shutdown_seconds <= MAX_SHUTDOWN_SECONDS:
        return []
    return [
        f"DRAIN_ACCEPT_SECONDS ({settings.drain_accept_seconds}) and DRAIN_SECONDS ({settings.drain_seconds}) follow "
        f"each other and make {shutdown_seconds} s together, more than {MAX_SHUTDOWN_SECONDS}: ECS kills a task 120 s "
        "after SIGTERM at the latest"
    ]


assert set(PARSERS) | {"api_keys"} == {each.name for each in fields(Settings)}, "a setting without a parser"  # noqa: S101
