"""Evaluate the policy that an authorizer returned, as IAM does: Deny beats Allow, and the default is deny.

An unsupported element never opens a route: with one, an Allow statement allows nothing and a Deny statement denies
everything.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from urllib.parse import unquote

logger = logging.getLogger("fargate")

ACTION = "execute-api:Invoke"

Statement = Mapping[str, Any]

_SUPPORTED = frozenset({"Sid", "Effect", "Action", "Resource"})
_EVERYTHING = "*"


class Verdict(Enum):
    """The result for a method."""

    ALLOWED = auto()
    DENIED = auto()  # by default: no statement allows it
    DENIED_EXPLICITLY = auto()  # by a Deny statement


@dataclass(frozen=True, slots=True)
class Policy:
    """Patterns of the method ARNs that are allowed and denied."""

    allows: tuple[re.Pattern[str], ...]
    denies: tuple[re.Pattern[str], ...]

    def judge(self, method_arn: str) -> Verdict:
        """Return the verdict on a method, given its ARN.

        A Deny also matches the decoded path, since the app may decode its parameters: if `1` is denied, so is `%31`.
        """
        spellings = {method_arn, unquote(method_arn)}
        if any(denied.fullmatch(spelling) for denied in self.denies for spelling in spellings):
            return Verdict.DENIED_EXPLICITLY
        if any(allowed.fullmatch(method_arn) for allowed in self.allows):
            return Verdict.ALLOWED
        return Verdict.DENIED


def read_policy(document: object) -> Policy:
    """Read a policy document: a mapping with `Statement`, one statement or a list of them.

    Raises:
        ValueError: it is not a policy.
    """
    allows: list[str] = []
    denies: list[str] = []
    for statement in _statements(document):
        effect = statement.get("Effect")
        if effect == "Allow":
            allows.extend(_resources(statement) if _is_supported(statement) else ())
        elif effect == "Deny":
            denies.extend(_resources(statement) if _is_supported(statement) else (_EVERYTHING,))
        else:
            raise ValueError(f"Effect is {effect!r}, neither Allow nor Deny")
    return Policy(tuple(map(wildcard, allows)), tuple(map(wildcard, denies)))


def _statements(document: object) -> list[Statement]:
    if not isinstance(document, Mapping) or "Statement" not in document:
        raise ValueError("there is no policyDocument with a Statement")
    statements = document["Statement"]
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, list) or not all(isinstance(each, Mapping) for each in statements):
        raise ValueError("Statement is not a list of statements")
    return statements


def _is_supported(statement: Statement) -> bool:
    """Return False for a statement with Condition, NotAction, NotResource or `${variables}`."""
    unknown = sorted(statement.keys() - _SUPPORTED)
    if not unknown and any("${" in text for text in _texts(statement, "Action") + _texts(statement, "Resource")):
        unknown = ["policy variables"]
    if unknown:
        logger.warning("An authorizer's policy uses %s, which is not supported: closed", ", ".join(unknown))
    return not unknown


def _resources(statement: Statement) -> list[str]:
    """Return a statement's resources, or none if it is about other actions than `execute-api:Invoke`."""
    resources = _texts(statement, "Resource")
    if any(wildcard(action, re.IGNORECASE).fullmatch(ACTION) for action in _texts(statement, "Action")):
        return resources
    return []


def _texts(statement: Statement, name: str) -> list[str]:
    value = statement.get(name)
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{name} is neither text nor a list of texts")
    return texts


def wildcard(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Compile a pattern in which `*` stands for any text, slashes included, and `?` for any one character.

    Atomic groups take the first match of each part and never backtrack, so matching is at most quadratic.
    """
    head, *parts = ("".join("." if each == "?" else re.escape(each) for each in part) for part in pattern.split("*"))
    if parts:
        head += "".join(f"(?>.*?{part})" for part in parts[:-1]) + ".*" + parts[-1]
    return re.compile(head, flags | re.DOTALL)
