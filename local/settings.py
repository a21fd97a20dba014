"""What `make run` reads from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.ports import LOOPBACK, parse_port, reachable_host

OWNER = ("DATABASE_OWNER_URL", "DATABASE_OWNER_SECRET_ARN", "DATABASE_PROXY_SECRET_ARN")  # for the migration only
ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / ".data"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to listen, and which stores to use instead of embedded ones."""

    host: str
    port: int
    data: Path
    environ: Mapping[str, str] = field(repr=False)
    database_url: str | None = field(repr=False)
    redis_url: str | None = field(repr=False)

    @property
    def keys_wanted(self) -> bool:
        """Whether writes need an API key."""
        keys = self.environ.get("API_KEYS")
        return keys != "none" if keys else bool(self.environ.get("API_KEYS_SECRET_ARN"))

    @property
    def url(self) -> str:
        """The shop's URL for a client on this machine."""
        host = reachable_host(self.host)
        if host == LOOPBACK:
            host = "localhost"
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def environ_of_app(self, database_url: str, redis_url: str) -> dict[str, str]:
        """Return the environment of the app over these stores."""
        environ = {"PYTHONUNBUFFERED": "1", **self.environ, "HOST": self.host, "PORT": str(self.port)}
        environ |= {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        for name in OWNER:
            environ.pop(name, None)
        if self.database_url is None:  # these are not for the embedded database
            environ.pop("DATABASE_SECRET_ARN", None)
            environ.pop("DATABASE_IAM_AUTH", None)
        if self.redis_url is None:
            environ.pop("REDIS_SECRET_ARN", None)
        if not self.environ.get("API_KEYS") and not self.environ.get("API_KEYS_SECRET_ARN"):
            environ["API_KEYS"] = "none"
        return environ

    def environ_of_owner(self, embedded: str | None) -> dict[str, str]:
        """Return the migration's further settings: the owner's login to the embedded database, or to the given one."""
        if embedded is not None:
            return {"DATABASE_OWNER_URL": embedded}
        return {name: self.environ[name] for name in OWNER if name in self.environ}


def read_settings(environ: Mapping[str, str], data: Path) -> Settings:
    """Read the settings.

    Writes need no key here (API_KEYS=none), so HOST is the loopback address unless it is set.

    Raises:
        AddressError: PORT is not a port.
    """
    return Settings(
        host=environ.get("HOST") or LOOPBACK,
        port=parse_port("PORT", environ.get("PORT") or "3000"),
        data=data,
        environ=environ,
        database_url=environ.get("DATABASE_URL") or None,
        redis_url=environ.get("REDIS_URL") or None,
    )
