"""Verify the tokens of Cognito user pools as API Gateway's COGNITO_USER_POOLS authorizer does.

A token is valid if one of the authorizer's pools signed it (RS256 only), its times are right, and it is of the right
kind: an access token with one of the route's scopes if the route names scopes, else an ID token.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html
https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import jwt

from fargate.auth.jwks import KeySet
from fargate.errors import AccessDenied, Unauthorized

LEEWAY_SECONDS = 10
_ARN = re.compile(r"arn:aws(?:-us-gov)?:cognito-idp:([a-z0-9-]+):\d*:userpool/([A-Za-z0-9-]+_[A-Za-z0-9]+)")
_SCHEME = re.compile(r"Bearer +", re.IGNORECASE)
_DATES = ("exp", "iat")


class Pool(NamedTuple):
    """A user pool."""

    region: str
    pool_id: str

    @property
    def issuer(self) -> str:
        """The claim `iss` of the pool's tokens."""
        return f"https://cognito-idp.{self.region}.amazonaws.com/{self.pool_id}"

    def jwks_url(self, template: str) -> str:
        """Return the URL of its keys: `template` with `{region}` and `{pool}` filled in."""
        return template.replace("{region}", self.region).replace("{pool}", self.pool_id)


def pools_of(arns: Iterable[str]) -> list[Pool]:
    """Return the pools of some ARNs; ARNs of anything else are skipped."""
    return [Pool(found[1], found[2]) for arn in arns if (found := _ARN.fullmatch(str(arn)))]


class UserPools:
    """The user pools of an app's authorizers. Authorizers that name the same pool share its keys.

    Args:
        url_template: the setting COGNITO_JWKS.
        clock: monotonic seconds.
    """

    def __init__(self, url_template: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url_template = url_template
        self._clock = clock
        self._key_sets: dict[str, KeySet] = {}

    def verifier(self, arns: Iterable[str], scopes: Iterable[str]) -> "TokenVerifier":
        """Return the verifier for the tokens of some pools and a route's scopes.

        Raises:
            ValueError: no ARN names a pool.
        """
        pools = pools_of(arns)
        if not pools:
            raise ValueError("their ARNs name no user pool")
        return TokenVerifier({pool.issuer: self._keys_of(pool) for pool in pools}, scopes)

    def _keys_of(self, pool: Pool) -> KeySet:
        if pool.issuer not in self._key_sets:
            self._key_sets[pool.issuer] = KeySet(pool.jwks_url(self._url_template), self._clock)
        return self._key_sets[pool.issuer]


class TokenVerifier:
    """Verifies the tokens of some pools. Thread-safe.

    Args:
        key_sets: the pools' keys, by issuer.
        scopes: the route's scopes; without any, an ID token is required.
    """

    def __init__(self, key_sets: Mapping[str, KeySet], scopes: Iterable[str] = ()) -> None:
        self._key_sets = key_sets
        self._scopes = frozenset(scopes)

    def verify(self, token: str) -> dict[str, str | None]:
        """Return a token's claims as API Gateway passes them to the view; the token may begin with `Bearer `.

        Raises:
            Unauthorized: the token is not valid, or of the wrong kind.
            AccessDenied: it is a valid access token without any of the route's scopes.
        """
        try:
            claims = self._claims(_SCHEME.sub("", token, count=1))
        except (jwt.PyJWTError, ValueError):  # ValueError: the text cannot be written as UTF-8
            raise Unauthorized from None
        self._check_use(claims)
        return {name: claim_text(name, value) for name, value in claims.items()}

    def _claims(self, token: str) -> dict[str, Any]:
        unverified = jwt.decode_complete(token, options={"verify_signature": False})
        issuer, key_id = unverified["payload"].get("iss"), unverified["header"].get("kid")
        if not isinstance(issuer, str) or not isinstance(key_id, str) or issuer not in self._key_sets:
            raise jwt.InvalidTokenError
        key = self._key_sets[issuer].find(key_id)
        if key is None:
            raise jwt.InvalidTokenError
        return jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "sub", "token_use"], "verify_aud": False},
        )

    def _check_use(self, claims: Mapping[str, Any]) -> None:
        if claims["token_use"] != ("access" if self._scopes else "id"):
            raise Unauthorized
        if self._scopes and self._scopes.isdisjoint(str(claims.get("scope", "")).split(" ")):
            raise AccessDenied


def claim_text(name: str, value: object) -> str | None:
    """Write a claim as API Gateway does: lists joined by commas, the two dates as `Tue Apr 04 18:39:39 UTC 2023`."""
    if value is None or isinstance(value, str):
        return value
    if name in _DATES and isinstance(value, int | float):
        weekday, month, day, clock, year = time.asctime(time.gmtime(value)).split()  # English under every locale
        return f"{weekday} {month} {day:0>2} {clock} UTC {year}"
    if isinstance(value, list):
        return ",".join(claim_text("", each) or "" for each in value)
    return json.dumps(value, separators=(",", ":"))
