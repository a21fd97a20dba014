"""The server of a task on this machine: it gets exactly the variables of its container, and the test's stores."""

import contextlib
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import redis

from chalicelib import settings as shop
from fargate import settings as adapter
from fargate.auth.api_keys import ApiKeys
from tests.fixtures.servers import Server, serving
from tests.fixtures.stores import OwnRedis
from tests.infra.account.cloud import Cloud
from tests.infra.account.questions import Container

QUEUES, SCHEDULES = "the shop consumes no queue", "the shop has no schedule"
SOCKETS = "the shop has no handler of WebSockets"
LEFT_ALONE = {
    "ACCESS_LOG_SLOW_MS": "the default is the time within which 99 % of the answers are promised",
    "API_KEYS": "keys come from a secret, by API_KEYS_SECRET_ARN",
    "BASE_PATH": "the service has its domain name to itself",
    "BINARY_MEDIA_TYPES": "no route of the shop sends bytes",
    "BODY_SECONDS": "the default is enough for the longest body over a mobile link",
    "COGNITO_JWKS": "no route of the shop asks for a user of a pool",
    "CONNECTION_LIMIT": "the default fits a task",
    "DATABASE_SECRET_ARN": "tasks log in by IAM tokens, where there is memory for checking them",
    "DEADLINE_SECONDS": "the default is API Gateway's",
    "HEAD_SECONDS": "the load balancer sends a head at once",
    "HOST": "the default, every interface, is what a container needs",
    "KEEP_ALIVE_SECONDS": "the default is longer than the load balancer's",
    "MAX_BODY_BYTES": "the default is API Gateway's",
    "MAX_HEADER_BYTES": "the default is API Gateway's",
    "METRICS_PORT": QUEUES,
    "POLL_CONCURRENCY": QUEUES,
    "POLL_QUEUES": QUEUES,
    "POLL_WAIT_SECONDS": QUEUES,
    "POWERTOOLS_TRACE_DISABLED": "tracing is on",
    "SCHEDULE_LEASE_SECONDS": SCHEDULES,
    "SCHEDULE_REDIS_URL": SCHEDULES,
    "SCHEDULE_RETRIES": SCHEDULES,
    "WEBSOCKETS": SOCKETS,
    "WEBSOCKET_ACCESS_KEYS": SOCKETS,
    "WEBSOCKET_FRAME_BYTES": SOCKETS,
    "WEBSOCKET_IDLE_SECONDS": SOCKETS,
    "WEBSOCKET_MESSAGE_BYTES": SOCKETS,
    "WEBSOCKET_REDIS_URL": SOCKETS,
    "WEBSOCKET_SECONDS": SOCKETS,
    "WORKERS": "a task is one process",
}
"""The variables that the container does not set, each with the reason."""


class _Asked(Mapping[str, str]):
    """An environment that records the names that are read."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)


def names_read() -> set[str]:
    """Return every name that the server's settings read, by running them."""
    asked = _Asked({"DATABASE_URL": "postgresql://user@localhost/shop", "REDIS_URL": "redis://localhost"})
    with contextlib.suppress(shop.SettingsError):  # the URL has no password; all names are read before that error
        shop.read_settings(asked)
    settings = adapter.read_settings(asked)
    assert isinstance(settings.api_keys, ApiKeys)
    return asked.names


@dataclass(frozen=True, slots=True)
class Twin:
    """The container of a task, run on this machine."""

    container: Container
    cloud: Cloud
    database_url: str
    redis: OwnRedis

    @contextlib.contextmanager
    def serving(self) -> Iterator[Server]:
        """Run the server."""
        with serving({**self._environ(), **self.cloud.environ()}) as server:
            yield server

    def _environ(self) -> dict[str, str]:
        """Return the container's environment, with the stores and secrets of AWS replaced by those of the test."""
        database = urlsplit(self.database_url)
        password = secrets.token_hex(16)
        with redis.Redis.from_url(self.redis.url) as client:
            client.config_set("requirepass", password)
        return self.container.environment | {
            "DATABASE_URL": f"postgresql://{database.username}@{database.hostname}:{database.port}{database.path}",
            "DATABASE_IAM_AUTH": "false",  # the tests' PostgreSQL accepts no tokens
            "DATABASE_SECRET_ARN": self._secret(database.username, database.password),
            "REDIS_URL": self.redis.url,
            "REDIS_SECRET_ARN": self._secret("default", password),
        }

    def _secret(self, username: str | None, password: str | None) -> str:
        """Create a secret. Those of the service hold logins that only AWS accepts."""
        text = json.dumps({"username": username, "password": password})
        client = self.cloud.client("secretsmanager")
        return str(client.create_secret(Name=f"twin/{secrets.token_hex(4)}", SecretString=text)["ARN"])
