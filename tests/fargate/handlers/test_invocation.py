"""A handler gets Lambda's context and runs in a context of its own; whatever it raises is an answer."""

import json

import pytest
from awslambdaric.lambda_context import LambdaContext as ContextOfLambda

from fargate.gateway.context import LambdaContext, identity_of
from tests.apps.projects.handlers import app as module
from tests.fargate.handlers.conftest import Invoke


def test_the_context_has_what_lambdas_has(capsys: pytest.CaptureFixture[str]) -> None:
    of_lambda = ContextOfLambda("some-id", None, None, 0, "arn")
    context = LambdaContext(identity_of("handlers-dev-x"), "some-id", 10)
    public = {name for name in dir(of_lambda) if not name.startswith("_")}
    assert not public - {"w3c"} - set(dir(context))  # w3c: of traces that only the newest runtimes take
    assert (context.tenant_id, context.client_context) == (of_lambda.tenant_id, of_lambda.client_context)
    context.log("said")
    assert capsys.readouterr().out == "said"


def test_a_handler_sees_its_function(monkeypatch: pytest.MonkeyPatch, invoke: Invoke) -> None:
    monkeypatch.setenv("PLACE", "here")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    seen = json.loads(invoke("surroundings", {"id": 1}, seconds=40).payload)
    assert seen["event"] == {"id": 1}
    assert seen["function_name"] == "handlers-dev-surroundings"
    assert seen["arn"] == "arn:aws:lambda:eu-north-1:000000000000:function:handlers-dev-surroundings"
    assert 38 <= seen["seconds"] <= 40
    assert seen["thread"]


def test_a_request_is_gone_when_its_call_has_ended(monkeypatch: pytest.MonkeyPatch, invoke: Invoke) -> None:
    monkeypatch.setenv("PLACE", "here")
    answer = invoke("api_handler", REQUEST)
    assert json.loads(answer.payload)["statusCode"] == 200
    assert getattr(module.app, "current_request", None) is None
    assert json.loads(invoke("surroundings").payload)["request"]


def test_every_call_has_an_id_of_its_own(monkeypatch: pytest.MonkeyPatch, invoke: Invoke) -> None:
    monkeypatch.setenv("PLACE", "here")
    assert len({json.loads(invoke("surroundings").payload)["request_id"] for _ in range(3)}) == 3


@pytest.mark.parametrize(
    ("name", "event", "error"),
    [("raises", None, module.OrderLost), ("exits", 0, SystemExit), ("interrupts", None, KeyboardInterrupt)],
)
def test_what_a_handler_raises_is_in_the_answer(
    invoke: Invoke, name: str, event: object, error: type[BaseException]
) -> None:
    assert isinstance(invoke(name, event).error, error)


REQUEST = {
    "resource": "/orders/{id}",
    "path": "/orders/7",
    "httpMethod": "GET",
    "headers": {},
    "multiValueHeaders": {},
    "pathParameters": {"id": "7"},
    "queryStringParameters": None,
    "multiValueQueryStringParameters": None,
    "stageVariables": None,
    "requestContext": {"resourcePath": "/orders/{id}", "httpMethod": "GET", "path": "/orders/7", "stage": "dev"},
    "body": None,
    "isBase64Encoded": False,
}
