"""What AWS says of a request that came by a Lambda function and Mangum: its caller, its stage, its ids.

What must hold: only what AWS itself writes is read here, nothing that a client can send. Events of HTTP APIs and
function URLs (payload version 2.0) are rewritten as a REST API writes them, since that is what Chalice apps read.

- REST API: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
- HTTP API: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
- Function URL: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
- Load balancer: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
"""

import os
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from fargate.http.identifiers import TRACE_ROOT, RequestIds, valid_id
from fargate.http.messages import Invocation

_SAME_IN_BOTH = ("accountId", "apiId", "domainName", "domainPrefix", "requestId", "stage")
"""What HTTP APIs call as REST APIs do."""

_OURS = ("httpMethod", "requestId", "resourcePath")
"""What the adapter itself decides: AWS's route is `{proxy+}` or `$default`, not one of the app's."""


def read_invocation(event: object, context: object) -> Invocation:
    """Read the event and the context of a Lambda function.

    Args:
        event: of a REST API, an HTTP API, a function URL or a load balancer; of any other, only the context counts.
        context: as Lambda made it. In tests of apps it may be any object, a dict or None.
    """
    if isinstance(context, Mapping):
        context = SimpleNamespace(**context)
    fields = _mapping(event)
    given = _mapping(fields.get("requestContext"))
    variables = fields.get("stageVariables")
    if "elb" in given:
        return Invocation({"elb": given["elb"]}, None, context)
    if "http" in given:
        return Invocation(_as_rest_api(given), variables, context)
    return Invocation(_without_nothing(given), variables, context)


def ids_of(invocation: Invocation, ids: RequestIds) -> RequestIds:
    """Return a request's ids with those that AWS gave it: API Gateway's, else that of Lambda's context."""
    given, of_function = invocation.request_context, getattr(invocation.context, "aws_request_id", None)
    return ids._replace(
        request_id=valid_id(given.get("requestId")) or valid_id(of_function) or ids.request_id,
        extended_id=valid_id(given.get("extendedRequestId")) or ids.extended_id,
    )


def function_trace() -> str | None:
    """Return the trace header of the function that is running, or None if there is none."""
    header = os.environ.get("_X_AMZN_TRACE_ID", "")
    return header if TRACE_ROOT.search(header) else None


def show_invocation(event: dict[str, Any], invocation: Invocation) -> None:
    """Put what AWS says of a request into its event. The client's address is there already."""
    own, given = event["requestContext"], invocation.request_context
    identity = {**own["identity"], **_mapping(given.get("identity")), "sourceIp": own["identity"]["sourceIp"]}
    event["requestContext"] = {**own, **given, "identity": identity, **{name: own[name] for name in _OURS}}
    event["stageVariables"] = invocation.stage_variables


def _as_rest_api(given: Mapping[str, Any]) -> dict[str, Any]:
    """Rewrite the request context of payload version 2.0."""
    http, authorizer = _mapping(given.get("http")), _mapping(given.get("authorizer"))
    return _without_nothing(
        {
            **{name: given.get(name) for name in _SAME_IN_BOTH},
            "path": http.get("path"),
            "protocol": http.get("protocol"),
            "requestTime": given.get("time"),
            "requestTimeEpoch": given.get("timeEpoch"),
            "authorizer": _authorizer(authorizer),
            "identity": _without_nothing(
                {
                    "userAgent": http.get("userAgent"),
                    "clientCert": _mapping(given.get("authentication")).get("clientCert"),
                    **_signer(_mapping(authorizer.get("iam"))),
                }
            ),
        }
    )


def _authorizer(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what an authorizer said: the claims of a token, or the context of a Lambda function."""
    if "jwt" in given:
        return dict(_mapping(given["jwt"]))
    return dict(_mapping(given["lambda"])) if "lambda" in given else None


def _signer(iam: Mapping[str, Any]) -> dict[str, Any]:
    """Return who signed the request."""
    cognito = _mapping(iam.get("cognitoIdentity"))
    return {
        "accessKey": iam.get("accessKey"),
        "accountId": iam.get("accountId"),
        "caller": iam.get("callerId"),
        "cognitoAmr": cognito.get("amr"),
        "cognitoIdentityId": cognito.get("identityId"),
        "cognitoIdentityPoolId": cognito.get("identityPoolId"),
        "principalOrgId": iam.get("principalOrgId"),
        "user": iam.get("userId"),
        "userArn": iam.get("userArn"),
    }


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _without_nothing(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
