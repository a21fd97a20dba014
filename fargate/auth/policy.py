"""Judge a method by the policy that an authorizer returned, as IAM does: Deny beats Allow, silence denies.

What is not understood here never opens a route: an Allow that holds it grants nothing, a Deny that holds it denies
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

_UNDERSTOOD = frozenset({"Sid", "Effect", "Action", "Resource"})
_EVERYTHING = "*"


class Verdict(Enum):
    """What a policy says of a method."""

    ALLOWED = auto()
    DENIED = auto()  # no statement allows it
    DENIED_EXPLICITLY = auto()  # a Deny statement names it


@dataclass(frozen=True, slots=True)
class Policy:
    """The resources that may be invoked, and those that may not."""

    allows: tuple[re.Pattern[str], ...]
    denies: tuple[re.Pattern[str], ...]

    def judge(self, method_arn: str) -> Verdict:
        """Judge a method by its ARN.

        A Deny also counts where it names the decoded spelling of a percent-encoded path: the app may well decode what
        it is given, and `%31` must not pass where `1` is denied.
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
            allows.extend(_resources(statement) if _is_understood(statement) else ())
        elif effect == "Deny":
            denies.extend(_resources(statement) if _is_understood(statement) else (_EVERYTHING,))
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


def _is_understood(statement: Statement) -> bool:
    """Tell whether all of a statement is known here: Condition, NotAction, NotResource and `${variables}` are not."""
    unknown = sorted(statement.keys() - _UNDERSTOOD)
    if not unknown and any("${" in text for text in _texts(statement, "Action") + _texts(statement, "Resource")):
        unknown = ["policy variables"]
    if unknown:
        logger.warning("An authorizer's policy uses %s, which is not supported: closed", ", ".join(unknown))
    return not unknown


def _resources(statement: Statement) -> list[str]:
    """Return what the statement says of invoking: its resources, or none where its actions are others."""
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

    The expression commits to the first place where each part fits, so that no pattern takes more than
    length x length steps.
    """
    head, *parts = ("".join("." if each == "?" else re.escape(each) for each in part) for part in pattern.split("*"))
    if parts:
        head += "".join(f"(?>.*?{part})" for part in parts[:-1]) + ".*" + parts[-1]
    return re.compile(head, flags | re.DOTALL)
