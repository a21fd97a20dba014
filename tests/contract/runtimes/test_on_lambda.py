"""Under Mangum, the app sees Lambda's own context, and what API Gateway says: a request's caller, stage and ids."""

import asyncio
import json
import time
from types import SimpleNamespace
from typing import Any

import pytest
from awslambdaric.lambda_context import LambdaContext
from chalice.app import (
    AuthResponse,
    Chalice,
    CognitoUserPoolAuthorizer,
    CustomAuthorizer,
    IAMAuthorizer,
    Request,
)
from mangum import Mangum

from fargate.asgi import create_asgi_app
from fargate.auth.authorizers import Closed, closed_routes
from fargate.settings import Settings
from fargate.telemetry.telemetry import telemetry_of
from tests.contract.clients.client import MangumClient, copy_of, through_json
from tests.contract.clients.events import (
    CLIENT,
    HOST,
    REQUEST_ID,
    TRACE,
    Event,
    balancer_event,
    function_url_event,
    http_event,
    read_result,
    rest_event,
)
from tests.contract.clients.messages import Request as Sent
from tests.contract.clients.messages import Response

INVOKED_ID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
FUNCTION_ARN = "arn:aws:lambda:eu-central-1:123456789012:function:shop"
USER_ARN = "arn:aws:iam::123456789012:user/ada"
CLAIMS = {"sub": "d5b3", "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a", "scope": "read write"}
SIGNER = {
    "accessKey": "AKIAEXAMPLE",
    "accountId": "123456789012",
    "callerId": "AIDAEXAMPLE",
    "cognitoIdentity": {"amr": ["authenticated"], "identityId": "eu-west-1:1", "identityPoolId": "eu-west-1:2"},
    "principalOrgId": "o-example",
    "userArn": USER_ARN,
    "userId": "AIDAEXAMPLE",
}
IN_FUNCTION = {
    "AWS_LAMBDA_FUNCTION_NAME": "shop",
    "AWS_LAMBDA_FUNCTION_VERSION": "7",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/shop",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/28/[7]0123",
}


def of(kind: Any, path: str = "/context", /, *headers: tuple[str, str], **context: Any) -> Event:
    """Return an event whose request context says this too."""
    event: Event = kind(Sent("GET", path, list(headers)))
    event["requestContext"] = {**event["requestContext"], **context}
    return event


def of_rest(path: str = "/context", /, *headers: tuple[str, str], **context: Any) -> Event:
    """Return an event of a REST API: https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html."""
    event = of(
        rest_event,
        path,
        *headers,
        **{
            "stage": "prod",
            "path": f"/prod{path}",
            "domainName": "70ixmpl4fl.execute-api.us-east-2.amazonaws.com",
            "domainPrefix": "70ixmpl4fl",
            "extendedRequestId": "XXAmplELsXXAFYA=",
            "requestTime": "12/Mar/2020:19:03:58 +0000",
            "requestTimeEpoch": 1583348638390,
            **context,
        },
    )
    event["requestContext"]["identity"] = {"sourceIp": CLIENT, "userAgent": "ada/1", **context.get("identity", {})}
    return event


def edge_event(path: str) -> Event:
    """Return an event of Lambda@Edge, which has no request context."""
    request = {
        "clientIp": CLIENT,
        "method": "GET",
        "uri": path,
        "querystring": "",
        "headers": {"host": [{"key": "Host", "value": HOST}]},
    }
    return {"Records": [{"cf": {"config": {"distributionId": "E1", "requestId": "x=="}, "request": request}}]}


def called(app: Chalice, event: Event, context: object = None) -> Response:
    """Call the function; its response."""
    client = MangumClient(app, {}, rest_event)
    try:
        result = client.invoke(event, context)
        if "status" in result:  # of Lambda@Edge
            result = {"statusCode": result["status"], "body": result["body"]}
        return read_result(result)
    finally:
        client.close()


def seen(event: Event, context: object = None) -> Any:
    """Return what a view of the app sees."""
    response = called(copy_of("tests.apps.mirror:app"), event, context)
    assert response.status == 200, response.body
    return response.json()


def access_line(app: Chalice, event: Event, context: object, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return the log line of a request, as an app gets it that gives the adapter a telemetry."""
    settings = Settings()
    asgi = create_asgi_app(app, settings, telemetry=telemetry_of(app, settings))
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        Mangum(asgi)(event, context)  # type: ignore[arg-type]
        asyncio.set_event_loop(None)
    return next(line for line in map(json.loads, capsys.readouterr().out.splitlines()) if "http" in line)


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> LambdaContext:
    """The context that AWS's own runtime client makes."""
    for name, value in IN_FUNCTION.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"{TRACE[:-1]}9;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0")
    return LambdaContext(INVOKED_ID, None, None, int(time.time() * 1000) + 5000, FUNCTION_ARN)


def test_the_apps_context_is_lambdas_own(function: LambdaContext) -> None:
    app = Chalice(app_name="given")
    given = []

    @app.route("/context")
    def view() -> str:
        given.append(app.lambda_context)
        return ""

    assert called(app, of_rest(), function).status == 200
    assert given == [function]


def test_its_remaining_time_is_lambdas(function: LambdaContext) -> None:
    assert seen(of_rest(), function)["remaining"][0] <= 5000


@pytest.mark.parametrize("context", [object(), {}, None, SimpleNamespace(identity=None, aws_request_id=None)])
def test_what_a_context_lacks_is_ours(context: object) -> None:
    view = seen(of(balancer_event), context)
    own = view["context"]
    assert (own["function_name"], own["client_context"], view["identity"]) == ("mirror", None, [None, None])
    assert own["aws_request_id"] == view["request_context"]["requestId"]
    assert 0 < view["remaining"][0] <= 29_000


def test_a_test_of_an_app_may_pass_a_dict_as_context() -> None:
    view = seen(of(balancer_event), {"aws_request_id": INVOKED_ID})
    assert view["context"]["aws_request_id"] == view["request_context"]["requestId"] == INVOKED_ID


def test_a_rest_apis_request_context_is_passed_on(function: LambdaContext) -> None:
    authorizer = {"principalId": "ada", "claims": CLAIMS, "integrationLatency": 7}
    event = of_rest(authorizer=authorizer, identity={"user": "ada", "apiKey": "key", "cognitoIdentityId": "eu:1"})
    response = called(copy_of("tests.apps.mirror:app"), event, function)
    context = response.json()["request_context"]
    own = {"resourcePath": "/context", "httpMethod": "GET", "localPort": None, "localAddress": "127.0.0.1"}
    identity = dict.fromkeys(context["identity"])
    given = event["requestContext"]
    assert context == {**given, **own, "identity": {**identity, **given["identity"]}}
    assert response.header("x-amzn-requestid") == REQUEST_ID
    assert response.header("x-amz-apigw-id") == "XXAmplELsXXAFYA="


def test_the_event_is_the_one_that_the_app_gets_without_the_adapter(function: LambdaContext) -> None:
    event = of_rest(
        "/pets/a%20b?x=1&x=2&y=a+b", ("User-Agent", "ada/1"), ("Cookie", "a=1; b=2"), authorizer={"claims": CLAIMS}
    )
    event["stageVariables"] = {"table": "products"}
    event["resource"] = event["requestContext"]["resourcePath"] = "/pets/{name}"
    event["pathParameters"] = {"name": "a%20b"}
    directly = copy_of("tests.apps.mirror:app")(through_json(event), function)
    there, here = json.loads(directly["body"])["event"], seen(event, function)["event"]
    more = {"localAddress", "localPort"}
    identity = {name: value for name, value in here["requestContext"]["identity"].items() if value is not None}
    context = {name: value for name, value in here["requestContext"].items() if name not in more}
    assert {**here, "requestContext": {**context, "identity": identity}} == there


def test_an_http_api_may_write_as_a_rest_api() -> None:
    """Payload version 1.0."""
    event = {**of_rest(authorizer={"claims": CLAIMS, "scopes": ["read"]}), "version": "1.0"}
    context = seen(event)["request_context"]
    assert (context["authorizer"], context["stage"]) == ({"claims": CLAIMS, "scopes": ["read"]}, "prod")


@pytest.mark.parametrize(
    ("given", "authorizer"),
    [
        ({"jwt": {"claims": CLAIMS, "scopes": ["read"]}}, {"claims": CLAIMS, "scopes": ["read"]}),
        ({"lambda": {"tenant": "a", "roles": ["x"]}}, {"tenant": "a", "roles": ["x"]}),
        ({"lambda": None}, {}),
        ({"iam": SIGNER}, None),
        (None, None),
    ],
)
def test_an_http_apis_authorizer_is_written_as_a_rest_apis(given: Any, authorizer: Any) -> None:
    assert seen(of(http_event, authorizer=given))["request_context"].get("authorizer") == authorizer


def test_an_http_apis_request_context_is_written_as_a_rest_apis() -> None:
    times = {"time": "12/Mar/2020:19:03:58 +0000", "timeEpoch": 1583348638390}
    certificate = {"subjectDN": "CN=ada", "issuerDN": "CN=ca", "serialNumber": "1", "validity": {}}
    event = of(http_event, stage="$default", domainPrefix="shop", authentication={"clientCert": certificate}, **times)
    context = seen(event)["request_context"]
    assert [context["requestTime"], context["requestTimeEpoch"]] == list(times.values())
    for name in ("accountId", "apiId", "domainName", "domainPrefix", "requestId", "stage"):
        assert context[name] == event["requestContext"][name]
    assert (context["path"], context["resourcePath"], context["identity"]["sourceIp"]) == (
        "/context",
        "/context",
        CLIENT,
    )
    assert context["identity"]["clientCert"] == certificate
    assert "http" not in context


@pytest.mark.parametrize("kind", [http_event, function_url_event])
def test_who_signed_a_request_is_its_identity(kind: Any) -> None:
    identity = seen(of(kind, authorizer={"iam": SIGNER}))["request_context"]["identity"]
    assert {name: identity[name] for name in ("accessKey", "accountId", "caller", "user", "userArn")} == {
        "accessKey": "AKIAEXAMPLE",
        "accountId": "123456789012",
        "caller": "AIDAEXAMPLE",
        "user": "AIDAEXAMPLE",
        "userArn": USER_ARN,
    }
    assert (identity["cognitoIdentityId"], identity["cognitoAmr"]) == ("eu-west-1:1", ["authenticated"])
    assert identity["sourceIp"] == CLIENT


def test_a_load_balancer_is_no_api_gateway(function: LambdaContext) -> None:
    """It says only who it is; a request's id is that of the invocation."""
    context = seen(of(balancer_event), function)["request_context"]
    assert context["elb"]["targetGroupArn"].endswith("targetgroup/lambda-1/49e9d65c45c6791a")
    assert context["requestId"] == INVOKED_ID
    assert (context["stage"], context["identity"]["sourceIp"], "authorizer" in context) == ("api", CLIENT, False)


@pytest.mark.parametrize("context", [{}, {"identity": {}}, {"identity": {"sourceIp": None}}])
def test_an_event_that_says_little_is_served(context: Any) -> None:
    own = seen({**rest_event(Sent("GET", "/context")), "requestContext": context})["request_context"]
    assert (own["apiId"], own["identity"]["sourceIp"]) == ("container", "")


@pytest.mark.parametrize("given", [None, 7, "a\r\nb", "", "x" * 1000])
def test_an_id_that_cannot_be_sent_back_is_replaced(given: object) -> None:
    response = called(copy_of("tests.apps.mirror:app"), of_rest(requestId=given, extendedRequestId=given))
    context = response.json()["request_context"]
    assert context["requestId"] == response.header("x-amzn-requestid")
    assert len(context["requestId"]) == 36


def test_lambda_at_edge_is_served() -> None:
    assert seen(edge_event("/context"))["request_context"]["identity"]["sourceIp"] == CLIENT


def test_a_log_line_has_the_ids_of_aws(function: LambdaContext, capsys: pytest.CaptureFixture[str]) -> None:
    line = access_line(copy_of("tests.apps.mirror:app"), of_rest("/mirror"), function, capsys)
    assert (line["request_id"], line["xray_trace_id"]) == (REQUEST_ID, f"{TRACE[5:-1]}9")


def test_the_trace_is_the_functions(function: LambdaContext) -> None:
    """Log lines name the trace that Lambda records; the app still sees the header that API Gateway sent."""
    response = called(copy_of("tests.apps.mirror:app"), of_rest("/mirror"), function)
    assert response.header("x-amzn-trace-id") == f"{TRACE[:-1]}9"
    assert response.json()["event"]["headers"]["X-Amzn-Trace-Id"] == TRACE


GUARDED = {
    "/iam": IAMAuthorizer(),
    "/external": CustomAuthorizer("external", authorizer_uri="arn:aws:lambda:x"),
    "/pool": CognitoUserPoolAuthorizer("pool", provider_arns=["arn:aws:cognito-idp:eu-west-1:1:userpool/eu-west-1_a"]),
}


def guarded() -> Chalice:
    """Return an app with a route for each kind of authorizer."""
    app = Chalice(app_name="guarded")

    @app.authorizer()
    def own(request: Any) -> AuthResponse:
        return AuthResponse(routes=["*"], principal_id="own", context={"said": "here"})

    def view() -> Any:
        request: Request = app.current_request
        return {"authorizer": request.context.get("authorizer")}

    for path, authorizer in {**GUARDED, "/own": own}.items():
        app.route(path, authorizer=authorizer, name=path)(view)
    app.route("/open", name="open")(view)
    return app


ALL = {"principalId": "ada", "claims": CLAIMS}
TOKEN = ("Authorization", "token")


@pytest.mark.parametrize(
    ("path", "status", "authorizer"),
    [
        ("/open", 200, ALL),
        ("/own", 200, {"principalId": "own", "said": "here"}),  # the route's own authorizer has the last word
        ("/iam", 200, ALL),
        ("/external", 403, None),  # the event does not say which authorizer let the request pass
        ("/pool", 401, None),  # COGNITO_JWKS verifies its token, on Lambda as elsewhere
    ],
)
def test_a_route_with_an_authorizer_opens_to_what_can_be_proved(path: str, status: int, authorizer: Any) -> None:
    response = called(guarded(), of_rest(path, TOKEN, authorizer=ALL, identity={"userArn": USER_ARN}))
    assert response.status == status
    assert response.json().get("authorizer") == authorizer


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (of(http_event, "/iam", authorizer={"iam": SIGNER}), 200),
        (of(function_url_event, "/iam", authorizer={"iam": SIGNER}), 200),
        (of(http_event, "/iam", authorizer={"iam": {**SIGNER, "userArn": None}}), 403),
        (of(http_event, "/iam", authorizer={"jwt": {"claims": {"userArn": USER_ARN}}}), 403),
        (of(http_event, "/iam", authorizer={"lambda": {"iam": SIGNER, "userArn": USER_ARN}}), 403),
        (of_rest("/iam", TOKEN), 403),
        (of_rest("/iam", TOKEN, authorizer={"userArn": USER_ARN, "principalId": USER_ARN}), 403),
        (of(balancer_event, "/iam", TOKEN, identity={"userArn": USER_ARN}), 403),
        (edge_event("/iam"), 403),
    ],
)
def test_a_route_for_signed_requests_needs_a_signature_that_aws_has_verified(event: Event, status: int) -> None:
    assert called(guarded(), event).status == status


@pytest.mark.parametrize("path", ["//iam", "/iam/", "/%69am", "/iam//"])
def test_iam_has_not_judged_another_spelling_of_its_path(path: str) -> None:
    assert called(guarded(), of_rest("/open/")).status == 200
    assert called(guarded(), of_rest(path, identity={"userArn": USER_ARN})).status == 403


def test_a_base_path_is_no_other_spelling() -> None:
    client = MangumClient(guarded(), {"BASE_PATH": "/v1"}, rest_event)
    try:
        assert read_result(client.invoke(of_rest("/v1/iam", identity={"userArn": USER_ARN}))).status == 200
    finally:
        client.close()


def test_elsewhere_it_is_still_announced_as_closed() -> None:
    assert Closed("IAM signatures cannot be checked here", ("GET /iam",)) in closed_routes(guarded(), "")
