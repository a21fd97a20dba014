"""Each stage's template for Lambda and API Gateway, and the values that a deployment fills in."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app import app
from chalicelib.settings import read_settings
from fargate.start.project import read_project
from tests.aws_lambda.packaged import VALUES, Package
from tests.fixtures.servers import ROOT

pytestmark = pytest.mark.infra  # packaging takes half a minute

CONFIG: dict[str, Any] = json.loads((ROOT / ".chalice" / "config.json").read_text(encoding="utf-8"))
VARIABLES: dict[str, Any] = json.loads((ROOT / ".chalice" / "lambda.json").read_text(encoding="utf-8"))
STAGES = list(CONFIG["stages"])

# Settings of the adapter: Lambda and API Gateway have their own for these.
API_GATEWAYS_PART = {"API_KEYS", "API_KEYS_SECRET_ARN"}


@pytest.fixture(params=STAGES)
def template(request: pytest.FixtureRequest, packaged: Callable[[str], Package]) -> dict[str, Any]:
    return packaged(request.param).template


@pytest.fixture
def function(template: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = template["Resources"]["APIHandler"]["Properties"]
    return properties


@pytest.fixture
def api(template: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    return body


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
    elif isinstance(value, str):
        yield value


def test_values_that_are_set_are_filled_in_everywhere(template: dict[str, Any]) -> None:
    assert not [text for text in strings(template) if any(f"${{{name}}}" in text for name in VALUES)]


def test_a_missing_value_keeps_its_placeholder_and_is_reported(packaged: Callable[[str], Package]) -> None:
    package = packaged("dev")
    assert package.environ["REVISION"] == "${REVISION}"
    assert package.output.splitlines()[-1] == "Not set, so their placeholders stay in sam.json: REVISION"


def test_the_environment_describes_a_working_shop(function: dict[str, Any]) -> None:
    settings = read_settings(function["Environment"]["Variables"])
    assert settings.database.sslmode == "verify-full"
    assert settings.database_iam_region == "eu-west-1"  # with tokens, no password is read before the first answer
    assert settings.database_pool_size == 1  # a sandbox serves one request at a time
    assert settings.local_lease_ms == 0  # the sandbox and its clock may be frozen between two requests


def test_the_names_are_on_the_page_of_settings() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for stage in STAGES:
        names = {*VARIABLES["environment_variables"], *VARIABLES["stages"][stage]["environment_variables"]}
        assert not [name for name in names if f"`{name}`" not in page]
        assert not names & API_GATEWAYS_PART


@pytest.mark.parametrize("stage", STAGES)
def test_a_container_that_is_served_from_the_checkout_gets_none_of_them(stage: str) -> None:
    assert read_project(ROOT, stage).environment == {}


def test_the_function_is_in_the_network_and_is_traced(function: dict[str, Any]) -> None:
    assert function["VpcConfig"] == {
        "SubnetIds": ["subnet-0a", "subnet-0b", "subnet-0c"],
        "SecurityGroupIds": ["sg-0a"],
    }
    assert function["Tracing"] == "Active"
    assert function["Handler"] == "app.app"
    assert 3 < function["Timeout"] <= 29  # a request takes at most 3 s, and API Gateway waits for 29


def test_its_role_reads_one_secret_and_logs_in_as_one_user(template: dict[str, Any]) -> None:
    (policy,) = template["Resources"]["ApiHandlerRole"]["Properties"]["Policies"]
    statements = {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}
    assert statements["ReadSecrets"]["Action"] == "secretsmanager:GetSecretValue"
    assert statements["ReadSecrets"]["Resource"] == [VALUES["REDIS_SECRET_ARN"]]
    assert statements["LogInToTheDatabase"]["Action"] == "rds-db:connect"
    assert statements["LogInToTheDatabase"]["Resource"] == [VALUES["DATABASE_LOGIN_ARN"]]
    everywhere = {action for each in statements.values() if each["Resource"] == "*" for action in each["Action"]}
    assert {action.partition(":")[0] for action in everywhere} == {"xray", "ec2"}  # these have no narrower resources
    assert not [action for action in everywhere if "*" in action]


def test_every_route_is_there_and_writes_require_a_key(api: dict[str, Any]) -> None:
    methods = {"get", "put", "post", "delete", "patch", "options", "head"}
    here = {
        (path, method.upper(), bool(operation.get("security")))
        for path, operations in api["paths"].items()
        for method, operation in operations.items()
        if method in methods
    }
    assert here == {
        (path, method, bool(entry.api_key_required))
        for path, entries in app.routes.items()
        for method, entry in entries.items()
    }


def test_a_key_in_a_usage_plan_allows_writes(template: dict[str, Any]) -> None:
    resources = template["Resources"]
    assert VALUES["API_KEYS_SECRET_ARN"] in resources["WritersKey"]["Properties"]["Value"]
    assert resources["WritersKeyInPlan"]["Properties"]["KeyId"] == {"Ref": "WritersKey"}
    assert resources["WritersPlan"]["Properties"]["ApiStages"][0]["ApiId"] == {"Ref": "RestAPI"}


def test_metrics_are_hidden_as_behind_the_load_balancer(api: dict[str, Any]) -> None:
    (denied,) = [
        each["Resource"] for each in api["x-amazon-apigateway-policy"]["Statement"] if each["Effect"] == "Deny"
    ]
    assert denied == [f"execute-api:/*/{method}/metrics" for method in app.routes["/metrics"]]


def test_an_unknown_path_is_answered_as_in_the_container(api: dict[str, Any]) -> None:
    answer = api["x-amazon-apigateway-gateway-responses"]["MISSING_AUTHENTICATION_TOKEN"]
    assert (answer["statusCode"], answer["responseTemplates"]) == (404, {"application/json": '{"message":"Not Found"}'})


def test_caches_keep_none_of_the_gateways_own_answers(api: dict[str, Any]) -> None:
    answers = api["x-amazon-apigateway-gateway-responses"]
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= set(answers)
    for answer in answers.values():
        assert answer["responseParameters"] == {"gatewayresponse.header.Cache-Control": "'no-store'"}


def test_the_public_name_is_served_over_tls(template: dict[str, Any]) -> None:
    domain = template["Resources"]["ApiGatewayCustomDomain"]["Properties"]
    assert domain["DomainName"] == VALUES["DOMAIN_NAME"]
    assert domain["RegionalCertificateArn"] == VALUES["CERTIFICATE_ARN"]
    assert domain["SecurityPolicy"] == "TLS_1_2"


@pytest.mark.parametrize("stage", STAGES)
def test_the_database_has_connections_for_lambda_and_containers_together(stage: str) -> None:
    """Even if RDS Proxy pins each connection, and during a deployment, with twice as many tasks."""
    variables = (ROOT / "terraform" / "examples" / f"{stage}.tfvars").read_text(encoding="utf-8")
    defaults = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "terraform").glob("variables*.tf"))
    classes = (ROOT / "terraform" / "modules" / "rds" / "connections.tf").read_text(encoding="utf-8")

    tasks = int(first(r"app_tasks += \{.*max = (\d+)", variables))
    pool_size = int(first(r'"database_pool_size" \{[^}]*default += (\d+)', defaults))
    database = first(
        r'database_class += "([^"]+)"', variables, r'"database_class" \{[^}]*default += "([^"]+)"', defaults
    )
    gib = int(first(rf'"{re.escape(database)}" += (\d+)', classes))
    accepted = gib * 2**30 * 0.9 / 9_531_392 - 10
    assert CONFIG["stages"][stage]["reserved_concurrency"] + 2 * tasks * pool_size <= 0.8 * accepted


def first(*patterns_and_texts: str) -> str:
    """Return the group of the first pattern that is found in the text after it."""
    pairs = zip(patterns_and_texts[::2], patterns_and_texts[1::2], strict=True)
    return next(match[1] for pattern, text in pairs if (match := re.search(pattern, text, re.DOTALL)))


def test_the_document_lists_every_value() -> None:
    page = (ROOT / "docs" / "lambda.md").read_text(encoding="utf-8")
    files = [file.read_text(encoding="utf-8") for file in (ROOT / ".chalice").glob("*.json")]
    asked = {name for file in files for name in re.findall(r"\$\{([A-Z_]+)\}", file)}
    assert asked == {*VALUES, "REVISION"}
    assert not [name for name in asked if f"`{name}`" not in page]
