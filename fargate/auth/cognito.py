"""Verify the tokens of Cognito user pools as API Gateway's COGNITO_USER_POOLS authorizer does: verified, or closed.

A token passes only if one of the authorizer's own pools signed it (RS256 and nothing else), it is in time, and it is of
the kind that the route wants: an access token with one of its scopes where it names scopes, an ID token where it does
not.

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
        """What the pool's tokens carry as `iss`."""
        return f"https://cognito-idp.{self.region}.amazonaws.com/{self.pool_id}"

    def jwks_url(self, template: str) -> str:
        """Return where its keys are: `template` with its `{region}` and `{pool}` filled in."""
        return template.replace("{region}", self.region).replace("{pool}", self.pool_id)


def pools_of(arns: Iterable[str]) -> list[Pool]:
    """Return the pools that ARNs name; one that names none is passed over."""
    return [Pool(found[1], found[2]) for arn in arns if (found := _ARN.fullmatch(str(arn)))]


class UserPools:
    """The pools that an app's authorizers name; each one's keys are fetched once, whoever asks.

    Args:
        keys_at: the setting COGNITO_JWKS.
        clock: seconds on a clock that never goes back.
    """

    def __init__(self, keys_at: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys_at = keys_at
        self._clock = clock
        self._key_sets: dict[str, KeySet] = {}

    def verifier(self, arns: Iterable[str], scopes: Iterable[str]) -> "TokenVerifier":
        """Return what verifies the tokens of some pools for a route that asks for scopes, or for none.

        Raises:
            ValueError: no ARN names a pool.
        """
        pools = pools_of(arns)
        if not pools:
            raise ValueError("their ARNs name no user pool")
        return TokenVerifier({pool.issuer: self._keys_of(pool) for pool in pools}, scopes)

    def _keys_of(self, pool: Pool) -> KeySet:
        if pool.issuer not in self._key_sets:
            self._key_sets[pool.issuer] = KeySet(pool.jwks_url(self._keys_at), self._clock)
        return self._key_sets[pool.issuer]


class TokenVerifier:
    """Verifies the tokens of some pools. Thread-safe.

    Args:
        key_sets: the pools' keys, by issuer.
        scopes: what the route asks for; none means that it wants an ID token.
    """

    def __init__(self, key_sets: Mapping[str, KeySet], scopes: Iterable[str] = ()) -> None:
        self._key_sets = key_sets
        self._scopes = frozenset(scopes)

    def verify(self, token: str) -> dict[str, str | None]:
        """Return a token's claims as API Gateway hands them to the view; `Bearer` before the token does not matter.

        Raises:
            Unauthorized: it is not a valid token of these pools, or of the other kind.
            AccessDenied: it is a valid access token, but has none of the route's scopes.
        """
        try:
            claims = self._claims(_SCHEME.sub("", token, count=1))
        except (jwt.PyJWTError, ValueError):  # ValueError: text that is not even UTF-8
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
        return time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(value))
    if isinstance(value, list):
        return ",".join(claim_text("", each) or "" for each in value)
    return json.dumps(value, separators=(",", ":"))
