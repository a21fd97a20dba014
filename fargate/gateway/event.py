"""Build the event that a REST API hands to its Lambda function (payload version 1.0).

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
import logging
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from fargate.errors import WebSocketsNotServed
from fargate.gateway.binary_types import is_binary
from fargate.gateway.invocation import show_invocation
from fargate.gateway.routing import Match
from fargate.http.framing import is_handshake
from fargate.http.identifiers import RequestIds
from fargate.http.messages import HOP_BY_HOP, HttpRequest, client_address, last_value

logger = logging.getLogger("fargate")

Event = dict[str, Any]
Many = dict[str, list[str]]
"""Headers, or parameters of a query, with all their values."""

API_ID = "container"

_NO_IDENTITY: dict[str, str | None] = dict.fromkeys(
    (
        "accessKey",
        "accountId",
        "apiKey",
        "caller",
        "cognitoAuthenticationProvider",
        "cognitoAuthenticationType",
        "cognitoIdentityId",
        "cognitoIdentityPoolId",
        "principalOrgId",
        "user",
        "userArn",
    )
)
"""The identity of a caller without AWS credentials."""


class EventBuilder:
    """Builds events from requests.

    Args:
        base_path: stage prefix of paths; the stage is named after it.
        trusted_proxies: how many proxies in front are ours.
        account_id: AWS account id of the function.
        binary_types: media types whose bodies are passed on as base64.
        own_address: where this server answers itself.
        is_strict: a body that is neither of a binary type nor UTF-8 is damaged, as by API Gateway; else it is base64.
    """

    def __init__(
        self,
        base_path: str,
        trusted_proxies: int,
        account_id: str,
        binary_types: Sequence[str],
        own_address: str = "127.0.0.1",
        *,
        is_strict: bool = False,
    ) -> None:
        self._is_strict = is_strict
        self._own_address = own_address
        self._account_id = account_id
        self._trusted_proxies = trusted_proxies
        self._binary_types = binary_types
        self._untold = True  # of X-Forwarded-For without trusted proxies
        self.stage = base_path.strip("/").replace("/", "-") or "api"

    def build(self, request: HttpRequest, path: str, match: Match, ids: RequestIds, now: float) -> Event:
        """Return the event of one request.

        Args:
            request: as received.
            path: its path without the mount and the base path.
            match: its route.
            ids: its ids.
            now: seconds since the epoch.

        Raises:
            WebSocketsNotServed: the request is a handshake.
        """
        many = self.headers_of(request, ids)
        source_ip = self.source_of(request)
        headers = last_values(many)
        query = query_of(request.query)
        body, encoded = self._body(request.body, headers.get("Content-Type"))
        pattern = match.route.pattern
        host = domain_name(headers.get("Host", ""))
        event: Event = {
            "resource": pattern,
            "path": path,
            "httpMethod": request.method,
            "headers": headers,
            "multiValueHeaders": many,
            "queryStringParameters": query and last_values(query),
            "multiValueQueryStringParameters": query,
            "pathParameters": dict(match.parameters) if match.parameters else None,  # a copy: the app may change it
            "stageVariables": None,
            "requestContext": {
                "accountId": self._account_id,
                "apiId": API_ID,
                "resourceId": pattern,
                "resourcePath": pattern,
                "httpMethod": request.method,
                "path": request.whole_path,
                "stage": self.stage,
                "protocol": request.protocol,
                "requestId": ids.request_id,
                "extendedRequestId": ids.extended_id,
                "requestTime": request_time(int(now)),
                "requestTimeEpoch": int(now * 1000),
                "domainName": host,
                "domainPrefix": host.partition(".")[0],
                "identity": {**_NO_IDENTITY, "sourceIp": source_ip, "userAgent": headers.get("User-Agent")},
                "localPort": request.local_port,
                "localAddress": self._own_address,
            },
            "body": body,
            "isBase64Encoded": encoded,
        }
        if request.invocation is not None:
            show_invocation(event, request.invocation)
        return event

    def headers_of(self, request: HttpRequest, ids: RequestIds) -> Many:
        """Return the headers that the app sees: without those of the connection, with those of API Gateway.

        Raises:
            WebSocketsNotServed: the request is a handshake.
        """
        many = _collect(request)
        if request.invocation is None or "X-Amzn-Trace-Id" not in many:
            many["X-Amzn-Trace-Id"] = [ids.trace_header]
        if not self._trusted_proxies or "X-Forwarded-For" not in many:
            self._add_forwarded(many, request)
        return many

    def source_of(self, request: HttpRequest) -> str:
        """Return the client's address."""
        return client_address(request, self._trusted_proxies)

    def _add_forwarded(self, many: Many, request: HttpRequest) -> None:
        """Set X-Forwarded-* as API Gateway does; values that the client sent are replaced."""
        if request.scheme:  # empty on Lambda, where AWS has set the other two
            if self._untold and "X-Forwarded-For" in many:
                self._tell_of_proxies(request)
            many["X-Forwarded-Proto"] = [request.scheme]
            many["X-Forwarded-Port"] = [str(request.local_port or "")]
        many["X-Forwarded-For"] = [request.peer]

    def _tell_of_proxies(self, request: HttpRequest) -> None:
        """Warn once: a load balancer may be in front that the settings do not know."""
        self._untold = False
        logger.warning(
            "A request has X-Forwarded-For, and TRUSTED_PROXIES is 0: the app sees the client %s, %s and port %s. "
            "If a load balancer or proxy of yours is in front, set TRUSTED_PROXIES to the number of them, such as 1; "
            "the app then sees what they have sent",
            request.peer,
            request.scheme,
            request.local_port,
        )

    def _body(self, body: bytes, content_type: str | None) -> tuple[str | None, bool]:
        if not body:
            return None, False
        if not is_binary(content_type or "application/json", self._binary_types):
            try:
                return body.decode("utf-8", "replace" if self._is_strict else "strict"), False
            except UnicodeDecodeError:
                pass
        return base64.b64encode(body).decode("ascii"), True


def asks_for_websocket(request: HttpRequest) -> bool:
    """Return whether this is a handshake that its server has passed on; the adapter's own servers refuse it before."""
    upgrade = last_value(request.headers, "Upgrade")
    return upgrade is not None and is_handshake(request.method, request.protocol.removeprefix("HTTP/"), upgrade)


def _collect(request: HttpRequest) -> Many:
    many: Many = {}
    for name, value in request.headers:
        if name in HOP_BY_HOP:
            if name == "Upgrade" and asks_for_websocket(request):
                raise WebSocketsNotServed
            continue
        if name in many:
            many[name].append(value)
        else:
            many[name] = [value]
    return many


def last_values(many: Many) -> dict[str, str]:
    """Return the last value of each name."""
    return {name: values[-1] for name, values in many.items()}


def domain_name(host: str) -> str:
    """Return a Host header's value without the port."""
    return host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]


def query_of(text: str) -> Many | None:
    """Return the parameters of a query; None if there are none."""
    if not text:
        return None
    many: Many = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        many.setdefault(name, []).append(value)
    return many or None


_last_request_time: tuple[int, str] = (0, "")


def request_time(second: int) -> str:
    """Write a time as API Gateway does, `24/Nov/2026:10:00:00 +0000`; the last text is cached."""
    global _last_request_time
    known, text = _last_request_time
    if known != second:
        _, month, day, clock, year = time.asctime(time.gmtime(second)).split()  # English under every locale
        text = f"{day:0>2}/{month}/{year}:{clock} +0000"
        _last_request_time = (second, text)
    return text
