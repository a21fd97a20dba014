"""The events with which AWS calls a function for an HTTP request, and how it reads the function's result.

Written from AWS's documentation, without any code of `fargate/`, which is tested against it.

- REST API (v1): https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
- HTTP API (v2): https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
- Function URL: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
- Load balancer: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
"""

import base64
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from tests.contract.clients.messages import Headers, Request, Response

Event = dict[str, Any]

HOST = "shop.example"
CLIENT = "203.0.113.7"
REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793"


def rest_event(request: Request, resource: str = "/{proxy+}", parameters: dict[str, str] | None = None) -> Event:
    """Build the event of a REST API, payload version 1.0."""
    many = _grouped([("Host", HOST), *request.headers, ("X-Forwarded-For", CLIENT), *_FORWARDED])
    query = _grouped(parse_qsl(request.query, keep_blank_values=True))
    return {
        "resource": resource,
        "path": request.path,
        "httpMethod": request.method,
        "headers": _last(many),
        "multiValueHeaders": many,
        "queryStringParameters": _last(query) or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": parameters,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "resourceId": "123456",
            "httpMethod": request.method,
            "path": request.path,
            "stage": "api",
            "protocol": "HTTP/1.1",
            "requestId": REQUEST_ID,
            "identity": {"sourceIp": CLIENT, "userAgent": many.get("User-Agent", [None])[-1]},
            "accountId": "123456789012",
            "apiId": "1234567890",
        },
        **_body(request.body),
    }


def http_event(request: Request) -> Event:
    """Build the event of an HTTP API, payload version 2.0."""
    lower = [(name.lower(), value) for name, value in request.headers]
    headers = {name: ",".join(values) for name, values in _grouped(lower).items() if name != "cookie"}
    cookies = [part for name, value in lower if name == "cookie" for part in value.split("; ")]
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": {"host": HOST, **headers, **dict(_FORWARDED_V2)},
        **({"cookies": cookies} if cookies else {}),
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "1234567890",
            "domainName": HOST,
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": "HTTP/1.1",
                "sourceIp": CLIENT,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "stage": "$default",
        },
        **_body(request.body),
    }


def function_url_event(request: Request) -> Event:
    """Build the event of a function URL: payload version 2.0, with another host."""
    event = http_event(request)
    event["requestContext"]["domainName"] = event["headers"]["host"] = "abc.lambda-url.eu-west-1.on.aws"
    return event


def balancer_event(request: Request, *, multi_value: bool = True) -> Event:
    """Build the event of an Application Load Balancer; `multi_value` is the target group's attribute."""
    lower = [(name.lower(), value) for name, value in request.headers]
    forwarded = [*(value for name, value in lower if name == "x-forwarded-for"), CLIENT]
    kept = [(name, value) for name, value in lower if name != "x-forwarded-for"]
    headers = _grouped([("host", HOST), *kept, ("x-forwarded-for", ", ".join(forwarded)), *_FORWARDED_V2[1:]])
    query = _grouped([_pair(part) for part in request.query.split("&") if part])
    named = (
        {"multiValueHeaders": headers, "multiValueQueryStringParameters": query}
        if multi_value
        else {"headers": _last(headers), "queryStringParameters": _last(query)}
    )
    arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/lambda-1/49e9d65c45c6791a"
    return {
        "requestContext": {"elb": {"targetGroupArn": arn}},
        "httpMethod": request.method,
        "path": request.path,
        **named,
        **{**_body(request.body), "body": _body(request.body)["body"] or ""},
    }


def read_result(result: dict[str, Any], method: str = "GET") -> Response:
    """Read a function's result as AWS turns it into a response; HTTP sends no body in answer to HEAD."""
    headers: Headers = []
    for name, values in (result.get("multiValueHeaders") or {}).items():
        headers += [(name, _text(value)) for value in values]
    seen = {(name.lower(), value) for name, value in headers}
    headers += [
        (name, _text(value))
        for name, value in (result.get("headers") or {}).items()
        if (name.lower(), _text(value)) not in seen
    ]
    headers += [("set-cookie", cookie) for cookie in result.get("cookies") or []]
    body = result.get("body") or ""
    content = base64.b64decode(body) if result.get("isBase64Encoded") else body.encode()
    return Response(int(result["statusCode"]), headers, b"" if method == "HEAD" else content)


_FORWARDED = [("X-Forwarded-Port", "443"), ("X-Forwarded-Proto", "https"), ("X-Amzn-Trace-Id", TRACE)]
_FORWARDED_V2 = [("x-forwarded-for", CLIENT), *((name.lower(), value) for name, value in _FORWARDED)]


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped


def _last(grouped: dict[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in grouped.items()}


def _pair(part: str) -> tuple[str, str]:
    """Split `name=value`; a load balancer leaves both percent-encoded."""
    name, _, value = part.partition("=")
    return name, value


def _body(body: bytes) -> Event:
    if not body:
        return {"body": None, "isBase64Encoded": False}
    try:
        return {"body": body.decode(), "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
