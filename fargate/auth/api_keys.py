"""API keys, for routes with `api_key_required`. If no keys are configured, these routes are closed."""

import hmac
import json
from collections.abc import Iterable, Mapping

from fargate.errors import ConfigurationError
from fargate.requirements import check_extra

OPEN = "none"
"""API_KEYS with this value opens every route; for development only."""


class ApiKeys:
    """The configured keys. Comparison takes constant time; `repr` shows no key."""

    def __init__(self, keys: Iterable[str] = (), *, is_open: bool = False) -> None:
        self._keys = tuple(key.encode() for key in keys)
        self.is_open = is_open

    def __repr__(self) -> str:
        return f"<ApiKeys: {'open' if self.is_open else len(self._keys)}>"

    @property
    def is_closed(self) -> bool:
        """True if no key is accepted."""
        return not self.is_open and not self._keys

    def accept(self, presented: str | None) -> bool:
        """Return whether this value of `x-api-key` is accepted. All keys are compared, for constant time."""
        if self.is_open:
            return True
        if presented is None:
            return False
        candidate = presented.encode("latin-1", "replace")  # both adapters decode headers as Latin-1
        matches = [hmac.compare_digest(candidate, key) for key in self._keys]
        return any(matches)


def read_api_keys(environ: Mapping[str, str]) -> ApiKeys:
    """Read API_KEYS (comma-separated, or `none`) or the secret that API_KEYS_SECRET_ARN names.

    Raises:
        ConfigurationError: the secret cannot be read or holds no keys, or what reads it is not installed.
    """
    arn = environ.get("API_KEYS_SECRET_ARN")
    if arn:
        return ApiKeys(_keys_in_secret(arn))
    text = environ.get("API_KEYS", "")
    if text.strip() == OPEN:
        return ApiKeys(is_open=True)
    return ApiKeys(_split(text))


def _split(text: str) -> list[str]:
    return [key.strip() for key in text.split(",") if key.strip()]


def _keys_in_secret(arn: str) -> list[str]:
    """Fetch the keys: comma-separated text, a JSON list, or the values of a JSON object."""
    try:
        check_extra("secrets")
    except ConfigurationError as error:
        raise ConfigurationError(f"API_KEYS_SECRET_ARN cannot be used: {error}") from None
    from aws_lambda_powertools.utilities import parameters  # imports boto3: 0.3 s

    try:
        secret = parameters.get_secret(arn)
    except parameters.exceptions.GetParameterError as error:
        raise ConfigurationError(f"API_KEYS_SECRET_ARN cannot be read: {error}") from error
    keys = _parse_secret(secret if isinstance(secret, str) else bytes(secret).decode())
    if not keys or OPEN in keys:
        raise ConfigurationError("API_KEYS_SECRET_ARN names a secret without keys")
    return keys


def _parse_secret(text: str) -> list[str]:
    try:
        document = json.loads(text)
    except ValueError:
        return _split(text)
    if isinstance(document, dict):
        document = list(document.values())
    if isinstance(document, list) and all(isinstance(key, str) and key for key in document):
        return document
    return []
