"""The context object that a handler receives: Lambda's attributes, and a deadline that counts down.

https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FunctionIdentity:
    """The function that this process stands for; the same for all requests."""

    function_name: str
    region: str
    log_stream_name: str
    function_version: str = "$LATEST"
    account_id: str = "000000000000"
    memory_limit_in_mb: str = "512"

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account_id}:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        return f"/aws/lambda/{self.function_name}"


def identity_of(app_name: str) -> FunctionIdentity:
    """Return this process's identity: a function with the app's name."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "eu-west-1"
    stream = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[$LATEST]{os.urandom(16).hex()}"
    return FunctionIdentity(app_name, region, stream)


@dataclass(frozen=True, slots=True)
class CognitoIdentity:
    """The caller's Cognito identity. A REST API's proxy integration has none: both fields are None."""

    cognito_identity_id: str | None = None
    cognito_identity_pool_id: str | None = None


NO_IDENTITY = CognitoIdentity()


class LambdaContext:
    """The context of one request or event; the attributes and their types are Lambda's.

    Args:
        function: the function's identity.
        request_id: the request's id.
        seconds: time from now to the deadline.
        clock: monotonic seconds.
    """

    tenant_id = None  # functions without tenant isolation have none

    __slots__ = ("_clock", "_deadline", "_function", "aws_request_id", "client_context", "identity")

    def __init__(
        self,
        function: FunctionIdentity,
        request_id: str,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._function = function
        self._clock = clock
        self._deadline = clock() + seconds
        self.aws_request_id = request_id
        self.client_context = None
        self.identity = NO_IDENTITY

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left until the deadline, never below zero."""
        return max(0, int((self._deadline - self._clock()) * 1000))

    def log(self, message: object) -> None:
        """Write a message to standard output, as it is."""
        sys.stdout.write(str(message))

    @property
    def function_name(self) -> str:
        return self._function.function_name

    @property
    def function_version(self) -> str:
        return self._function.function_version

    @property
    def invoked_function_arn(self) -> str:
        return self._function.invoked_function_arn

    @property
    def memory_limit_in_mb(self) -> str:
        return self._function.memory_limit_in_mb

    @property
    def log_group_name(self) -> str:
        return self._function.log_group_name

    @property
    def log_stream_name(self) -> str:
        return self._function.log_stream_name


_ALWAYS_SET = (
    "aws_request_id",
    "function_name",
    "function_version",
    "get_remaining_time_in_millis",
    "identity",
    "invoked_function_arn",
    "log_group_name",
    "log_stream_name",
    "memory_limit_in_mb",
)
"""The attributes that are never None on Lambda."""


class CompletedContext:
    """A context that lacks some of Lambda's attributes, with these added."""

    def __init__(self, given: object, added: Mapping[str, Any]) -> None:
        self._given = given
        vars(self).update(added)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._given, name)


def completed(given: object, own: LambdaContext) -> Any:
    """Return the context that Lambda made; what it lacks is taken from ours.

    Args:
        given: Lambda's context, which is passed on as it is. In tests of apps it may be any object, or None.
        own: our context for the same request.
    """
    added = {name: getattr(own, name) for name in _ALWAYS_SET if getattr(given, name, None) is None}
    if not hasattr(given, "client_context"):
        added["client_context"] = None
    return CompletedContext(given, added) if added else given
