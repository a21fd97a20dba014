"""A Secrets Manager that `moto` plays."""

import contextlib
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import boto3  # type: ignore[import-untyped]
from moto.server import ThreadedMotoServer


class SecretsManager:
    """A running one."""

    def __init__(self, url: str) -> None:
        self.environ = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        """What a process must be told to reach it."""
        self._client = boto3.client(
            "secretsmanager",
            endpoint_url=url,
            region_name="eu-west-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def keep_login_of(self, database_url: str) -> dict[str, str]:
        """Put a URL's credentials into a secret; return what a process must be told to log in with that."""
        url = urlsplit(database_url)
        login = json.dumps({"username": url.username, "password": url.password})
        arn = self._client.create_secret(Name="shop/database", SecretString=login)["ARN"]
        bare = f"postgresql://{url.hostname}:{url.port}{url.path}"
        return {**self.environ, "DATABASE_URL": bare, "DATABASE_SECRET_ARN": arn}


@contextlib.contextmanager
def serving_secrets_manager() -> Iterator[SecretsManager]:
    """Serve one on a free port until the block ends."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield SecretsManager(f"http://{host}:{port}")
    finally:
        server.stop()
