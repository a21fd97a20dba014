"""What is asked of each example: it goes up, stays as it is, is what was promised, and comes down.

The tests run in the order in which they stand here, the first on an empty account. `test_prod.py` and `test_dev.py`
take them all, so that two workers can have one environment each.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from local.costs.__main__ import REGIONS
from local.costs.bill import bill
from local.costs.plan import Plan
from local.costs.prices import Prices
from tests.fixtures.stores import OwnRedis
from tests.infra.account.inventory import KINDS, PARTS
from tests.infra.account.questions import ANYWHERE, Account, Opening, as_list
from tests.infra.account.twin import LEFT_ALONE, Twin, names_read
from tests.infra.environments import Environment
from tests.infra.terraform import ROOT

pytestmark = [pytest.mark.infra, pytest.mark.timeout(900)]

DRIFT: dict[tuple[str, str], str] = {}
"""What a second plan would change because the emulator forgets it: the reason, by type and attribute. Nothing, now."""


def test_the_pipeline_may_begin_with_the_repositories_alone(environment: Environment) -> None:
    environment.apply("-target=module.ecr", step="repositories")
    assert {address.split(".")[1] for address in environment.addresses()} == {"ecr"}
    found = environment.cloud.client("ecr").describe_repositories()["repositories"]
    assert {each["repositoryName"] for each in found} == {
        environment.full_name,
        f"{environment.full_name}-prometheus",
    }
    assert {each["imageTagMutability"] for each in found} == {"IMMUTABLE"}
    assert all(each["imageScanningConfiguration"]["scanOnPush"] for each in found)


def test_every_module_is_part_of_it(applied: Environment) -> None:
    modules = {address.split(".")[1].split("[")[0] for address in applied.addresses() if address.startswith("module.")}
    parts = {"network", "ecr", "cluster", "app", "prometheus", "prometheus_storage", "database", "cache", "api_keys"}
    assert parts | {"observability", "dns"} <= modules


def test_a_second_plan_changes_nothing(applied: Environment) -> None:
    changes = applied.changes()
    unexplained = [change for change in changes if (change.type, change.attribute) not in DRIFT]
    assert not unexplained, "\n".join(map(str, unexplained))
    stale = set(DRIFT) - {(change.type, change.attribute) for change in changes}
    assert not stale, "these do not drift any more: drop them from DRIFT"


def test_its_bill_is_the_one_in_the_docs(applied: Environment) -> None:
    assert applied.plan, "the test before has planned again"
    page = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
    table = bill(Plan(applied.plan), [Prices(region) for region in REGIONS])
    assert table in page, f"make costs prints another table than docs/costs.md has:\n{table}"


def test_the_promised_names_exist(applied: Environment, account: Account) -> None:
    client, name = account.cloud.client, account.name
    (vpc,) = client("ec2").describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [name]}])["Vpcs"]
    ours = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    assert client("ec2").describe_nat_gateways(Filter=ours)["NatGateways"]
    assert {opening.group for opening in account.openings()}
    assert account.service()["status"] == account.service("-prometheus")["status"] == "ACTIVE"
    assert account.task()["requiresCompatibilities"] == ["FARGATE"]
    assert account.database()["Engine"] == "postgres"
    assert account.cache()["Engine"] in ("valkey", "redis")
    assert {f"/ecs/{name}/app", f"/ecs/{name}/prometheus"} <= set(account.log_groups())
    assert client("ecr").describe_repositories(repositoryNames=[name, f"{name}-prometheus"])["repositories"]
    names = {record for record, kind in account.records(applied.given.zone_id) if kind == "A"}
    assert names == {applied.variable("domain_name"), applied.variable("prometheus_domain_name")}


def test_only_load_balancers_can_be_reached_from_anywhere(account: Account) -> None:
    inwards = {opening for opening in account.openings() if opening.inwards}
    open_groups = {opening.group for opening in inwards if opening.peer in ANYWHERE}
    balancers = {group for balancer in account.load_balancers().values() for group in balancer["SecurityGroups"]}
    assert open_groups <= names_of(account, balancers)
    assert {opening.port for opening in inwards if opening.peer in ANYWHERE} <= {80, 443}


def test_security_groups_chain_from_the_internet_to_the_stores(account: Account) -> None:
    inwards = {opening for opening in account.openings() if opening.inwards}
    ports = {opening.port: {each for each in inwards if each.port == opening.port} for opening in inwards}
    assert peers(ports[5432]) <= {opening.group for opening in inwards}, "only groups of ours reach PostgreSQL"
    assert peers(ports[6379]) == peers(ports[5432]), "the same tasks reach the cache"
    (task_group,) = peers(ports[6379])
    assert {each.group for each in ports[3000]} == {task_group}
    assert len(peers(ports[3000])) == 2, "the load balancer and Prometheus"
    assert not peers(ports[3000]) & ANYWHERE


def peers(openings: set[Opening]) -> set[str]:
    return {opening.peer for opening in openings}


def names_of(account: Account, groups: set[str]) -> set[str]:
    found = account.cloud.client("ec2").describe_security_groups(GroupIds=sorted(groups))["SecurityGroups"]
    return {group["GroupName"] for group in found}


def test_the_task_gets_secrets_by_name_and_none_in_the_open(account: Account) -> None:
    environment = account.main_container().environment
    assert (environment["DATABASE_IAM_AUTH"] == "true") == ("DATABASE_SECRET_ARN" not in environment)
    for name in SECRETS & environment.keys():
        assert environment[name].startswith("arn:aws:secretsmanager:"), name
        account.secret(environment[name])
    assert urlsplit(environment["DATABASE_URL"]).username
    assert urlsplit(environment["DATABASE_URL"]).password is None
    assert "@" not in environment["REDIS_URL"]


SECRETS = {"DATABASE_SECRET_ARN", "REDIS_SECRET_ARN", "API_KEYS_SECRET_ARN"}


def test_the_migration_alone_logs_in_as_the_databases_owner(account: Account) -> None:
    owner = account.database()["MasterUserSecret"]["SecretArn"]
    service, migration = account.task(), account.task("-migration")
    readers = {role: owner in secrets_of(account, role) for role in (service["taskRoleArn"], migration["taskRoleArn"])}
    assert readers == {service["taskRoleArn"]: False, migration["taskRoleArn"]: True}
    (container,) = account.containers("-migration").values()
    assert container.environment["DATABASE_OWNER_SECRET_ARN"] == owner
    served = account.main_container().environment
    users = {urlsplit(url).username for url in (served["DATABASE_URL"], container.environment["DATABASE_OWNER_URL"])}
    assert len(users) == 2
    assert container.environment["DATABASE_URL"] == served["DATABASE_URL"], (
        "and it makes the role of the service's login"
    )


def secrets_of(account: Account, role: str) -> set[str]:
    statements = [each for each in account.role_statements(role) if "secretsmanager:GetSecretValue" in each["Action"]]
    return {resource for statement in statements for resource in as_list(statement["Resource"])}


def test_a_token_is_for_this_database_and_this_user(account: Account) -> None:
    environment = account.main_container().environment
    for task in (account.task(), account.task("-migration")):
        allowed = [
            resource
            for statement in account.role_statements(task["taskRoleArn"])
            if "rds-db:connect" in as_list(statement["Action"])
            for resource in as_list(statement["Resource"])
        ]
        if environment["DATABASE_IAM_AUTH"] == "true":
            database, user = account.database(), urlsplit(environment["DATABASE_URL"]).username
            assert database["IAMDatabaseAuthenticationEnabled"]
            assert [each.partition(":dbuser:")[2] for each in allowed] == [f"{database['DbiResourceId']}/{user}"]
        else:
            assert allowed == []


def test_prometheus_gets_its_web_configuration_from_the_secret(applied: Environment, account: Account) -> None:
    container = account.main_container("-prometheus")
    assert container.secrets["PROMETHEUS_WEB_CONFIG"] == applied.given.prometheus_web_config_secret_arn


def test_prometheus_gets_its_targets_and_sends_its_alerts_through_containers_beside_it(
    applied: Environment, account: Account
) -> None:
    containers = account.containers("-prometheus")
    assert set(containers) == {"prometheus", "discovery", "alertmanager"}
    assert len({container.definition["image"] for container in containers.values()}) == 1
    asked, discovery = containers["prometheus"].environment, containers["discovery"].environment
    assert urlsplit(asked["TARGETS_URL"]).netloc == f"127.0.0.1:{discovery['DISCOVERY_PORT']}"
    (service,) = [
        each
        for each in account.cloud.client("servicediscovery").list_services()["Services"]
        if each["Name"] == discovery["DISCOVERY_SERVICE"]
    ]
    assert account.service()["serviceRegistries"][0]["registryArn"] == service["Arn"]
    assert discovery["DISCOVERY_NAMESPACE"] == f"{account.name}.internal"
    settings = containers["alertmanager"].environment
    assert settings["SNS_TOPIC_ARN"] == applied.given.sns_topic
    topics = {each["TopicArn"] for each in account.cloud.client("sns").list_topics()["Topics"]}
    assert settings["HEARTBEAT_TOPIC_ARN"] in topics
    mounted = {name for name, container in containers.items() if container.definition.get("mountPoints")}
    assert mounted == {"prometheus", "alertmanager"}


@pytest.mark.parametrize("suffix", ["", "-prometheus"])
def test_containers_are_locked_down(suffix: str, account: Account) -> None:
    for name, container in account.containers(suffix).items():
        definition = container.definition
        assert definition["readonlyRootFilesystem"], name
        assert definition.get("user", "0").split(":")[0] not in ("0", "root"), name
        assert not definition.get("privileged"), name
        assert definition["logConfiguration"]["options"]["mode"] == "non-blocking", name
        assert definition["logConfiguration"]["options"]["max-buffer-size"], name


def test_drain_deregistration_and_stop_follow_each_other(account: Account) -> None:
    container = account.main_container()
    accept, drain = (int(container.environment[name]) for name in ("DRAIN_ACCEPT_SECONDS", "DRAIN_SECONDS"))
    assert accept >= 5, "a load balancer still opens connections for so long"
    assert accept + drain + 3 <= container.definition["stopTimeout"]
    group = account.service()["loadBalancers"][0]["targetGroupArn"]
    attributes = account.cloud.client("elbv2").describe_target_group_attributes(TargetGroupArn=group)["Attributes"]
    values = {each["Key"]: each["Value"] for each in attributes}
    assert int(values["deregistration_delay.timeout_seconds"]) <= drain


def test_listeners_speak_tls_and_hide_metrics(applied: Environment, account: Account) -> None:
    balancers = account.load_balancers()
    assert {each.get("Scheme", "internet-facing") for each in balancers.values()} == {"internet-facing"}
    for balancer in balancers.values():
        listeners = account.listeners(balancer["LoadBalancerArn"])
        assert listeners[80]["DefaultActions"][0]["RedirectConfig"]["Protocol"] == "HTTPS"
        assert listeners[443]["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2")
        assert listeners[443]["Certificates"][0]["CertificateArn"] == applied.given.certificate_arn
    rules = account.listeners(balancers[account.name]["LoadBalancerArn"])[443]["Rules"]
    hidden = {path: rule["Actions"][0] for rule in rules for path in paths(rule)}
    assert hidden["/metrics"]["FixedResponseConfig"]["StatusCode"] == "404"


def paths(rule: dict[str, Any]) -> list[str]:
    return [
        path for condition in rule["Conditions"] for path in condition.get("PathPatternConfig", {}).get("Values", ())
    ]


def test_dns_names_point_to_the_load_balancers(applied: Environment, account: Account) -> None:
    records = account.records(applied.given.zone_id)
    balancers = account.load_balancers()
    for variable, suffix in (("domain_name", ""), ("prometheus_domain_name", "-prometheus")):
        for kind in ("A", "AAAA"):
            target = records[applied.variable(variable), kind]["AliasTarget"]["DNSName"]
            assert target.removesuffix(".").endswith(balancers[account.name + suffix]["DNSName"])


ALARMS = {
    "load balancer": [
        "app-load-balancer-5xx",
        "app-load-balancer-latency",
        "app-unhealthy-hosts",
        "app-no-healthy-host",
    ],
    "service": ["app-service-cpu", "app-service-memory", "app-running-below-desired"],
    "prometheus": [
        "prometheus-load-balancer-5xx",
        "prometheus-unhealthy-hosts",
        "prometheus-running-below-desired",
        "prometheus-heartbeat",
    ],
    "database": ["database-cpu", "database-connections", "database-storage", "database-memory"],
    "cache": ["cache-cpu-1", "cache-evictions-1", "cache-memory-1", "cache-connections-1", "cache-failover"],
    "log": ["errors-logged"],
}


@pytest.mark.parametrize("part", ALARMS)
def test_alarms_notify_the_topic(part: str, applied: Environment, account: Account) -> None:
    alarms = {alarm["AlarmName"]: alarm for alarm in account.alarms()}
    for name in ALARMS[part]:
        alarm = alarms[f"{account.name}-{name}"]
        assert alarm["AlarmActions"] == alarm["OKActions"] == [applied.given.sns_topic]
        assert alarm["ActionsEnabled"]


def test_alarms_watch_existing_resources(account: Account) -> None:
    seen = {
        (dimension["Name"], dimension["Value"])
        for alarm in account.alarms()
        for metric in (alarm, *(each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each))
        for dimension in metric.get("Dimensions", ())
    }
    balancers = account.load_balancers().values()
    assert {value for name, value in seen if name == "LoadBalancer"} == {
        each["LoadBalancerArn"].partition(":loadbalancer/")[2] for each in balancers
    }
    assert {value for name, value in seen if name == "ServiceName"} == {account.name, f"{account.name}-prometheus"}
    assert {value for name, value in seen if name == "DBInstanceIdentifier"} == {account.name}
    assert {value for name, value in seen if name == "CacheClusterId"} == set(account.cache()["MemberClusters"])


def test_the_deployment_watches_alarms_that_are_there_and_do_not_stop_the_first(account: Account) -> None:
    configuration = account.service()["deploymentConfiguration"]
    watched = configuration["alarms"]
    assert watched["enable"]
    assert watched["rollback"]
    assert configuration["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    alarms = {alarm["AlarmName"]: alarm for alarm in account.alarms()}
    names = {f"{account.name}-rollback-{what}" for what in ("failures", "latency", "unhealthy")}
    assert set(watched["alarmNames"]) == names <= set(alarms)
    for name in names:
        assert alarms[name]["StateValue"] != "ALARM"
        assert alarms[name]["TreatMissingData"] == "notBreaching"
        assert not alarms[name]["AlarmActions"], "a rollback notifies no one"


@pytest.mark.parametrize("suffix", ["", "-prometheus"])
def test_containers_fit_into_the_task(suffix: str, account: Account) -> None:
    task = account.task(suffix)
    definitions = [container.definition for container in account.containers(suffix).values()]
    assert sum(each["cpu"] for each in definitions) == int(task["cpu"])
    assert sum(each.get("memoryReservation") or each["memory"] for each in definitions) == int(task["memory"])
    assert task["runtimePlatform"] == {"operatingSystemFamily": "LINUX", "cpuArchitecture": "ARM64"}


def test_the_dashboard_shows_every_alarm(account: Account) -> None:
    body = account.cloud.client("cloudwatch").get_dashboard(DashboardName=account.name)["DashboardBody"]
    (shown,) = [each for each in json.loads(body)["widgets"] if each["type"] == "alarm"]
    others = ("TargetTracking-", f"{account.name}-rollback-")  # those that autoscaling and deployments ask
    ours = {alarm["AlarmArn"] for alarm in account.alarms() if not alarm["AlarmName"].startswith(others)}
    assert set(shown["properties"]["alarms"]) == ours


def test_stores_are_private_and_encrypted(account: Account) -> None:
    database, cache = account.database(), account.cache()
    assert not database["PubliclyAccessible"]
    assert database["StorageEncrypted"]
    assert cache["TransitEncryptionEnabled"]
    assert cache["AtRestEncryptionEnabled"]
    groups = database["DBParameterGroups"][0]["DBParameterGroupName"]
    parameters = account.cloud.client("rds").describe_db_parameters(DBParameterGroupName=groups)["Parameters"]
    values = {each["ParameterName"]: each.get("ParameterValue") for each in parameters}
    assert values["rds.force_ssl"] == "1"
    assert int(values["statement_timeout"] or 0) > 0
    assert int(values["idle_in_transaction_session_timeout"] or 0) > 0


@pytest.mark.parametrize("suffix", ["", "-prometheus", "-migration"])
@pytest.mark.parametrize("role", ["taskRoleArn", "executionRoleArn"])
def test_roles_have_only_the_permissions_they_need(role: str, suffix: str, account: Account) -> None:
    everywhere = {"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules"}
    everywhere |= {"xray:GetSamplingTargets", "xray:GetSamplingStatisticSummaries", "ecr:GetAuthorizationToken"}
    everywhere |= {f"ssmmessages:{end}{what}Channel" for end in ("Create", "Open") for what in ("Control", "Data")}
    task = account.task(suffix)
    if role not in task:
        return
    for statement in account.role_statements(task[role]):
        actions = set(as_list(statement["Action"]))
        assert not any(action == "*" or action.endswith(":*") for action in actions), statement
        if actions == {"servicediscovery:DiscoverInstances"}:  # it knows no resources, but names
            assert statement["Condition"]["StringEquals"] == {
                "servicediscovery:NamespaceName": f"{account.name}.internal",
                "servicediscovery:ServiceName": "app",
            }
        elif "*" in as_list(statement["Resource"]):
            assert actions <= everywhere, statement


def test_secrets_are_not_in_the_state(applied: Environment, account: Account) -> None:
    state = applied.state_text()
    environment = account.main_container().environment
    assert environment["API_KEYS_SECRET_ARN"] in state
    for name in SECRETS & environment.keys():
        secret = account.secret(environment[name])
        value = json.loads(secret)["password"] if secret.startswith("{") else secret
        assert len(value) >= 32
        assert value not in state, f"the value of {name}"


def test_the_container_is_given_the_names_that_the_server_reads(account: Account) -> None:
    container = account.main_container()
    given = {*container.environment, *container.secrets}
    assert given <= names_read(), "nothing reads these"
    logs_in_by_password = {"DATABASE_SECRET_ARN"} & given
    assert names_read() - given == set(LEFT_ALONE) - logs_in_by_password


def test_the_server_serves_with_exactly_these_names(account: Account, database_url: str, own_redis: OwnRedis) -> None:
    container = account.main_container()
    keys = account.secret(container.environment["API_KEYS_SECRET_ARN"]).split(",")
    product = {"id": 1, "name": "Samsung TV", "price": 140}
    with Twin(container, account.cloud, database_url, own_redis).serving() as server:
        assert httpx.post(f"{server.url}/data", json=product).status_code == 403
        assert httpx.post(f"{server.url}/data", json=product, headers={"x-api-key": keys[0]}).status_code == 201
        read = httpx.get(f"{server.url}/product/1")
        assert (read.status_code, read.json()) == (200, product)
        assert read.headers["x-cache"] in ("hit", "miss")


def test_everything_can_be_destroyed(applied: Environment, record_property: Callable[[str, object], None]) -> None:
    created = applied.resources()
    unknown = {resource["type"] for resource in created} - KINDS.keys() - PARTS.keys()
    assert not unknown, "inventory.py is to say how these are listed, or with what they go"
    used(applied)
    applied.apply(*UNPROTECTED, step="unprotect")
    applied.destroy(*UNPROTECTED)
    record_property("resources", len(created))
    record_property("seconds", {step: round(seconds) for step, seconds in applied.seconds.items()})
    assert applied.addresses() == []
    kept = {"aws_ecs_task_definition"} if applied.setting("keep_task_definitions", "true") == "true" else set()
    assert {(kind, id) for kind, id in applied.left() if kind not in kept} == set()


def used(environment: Environment) -> None:
    """Put into it what use puts into it, and what would hold it up: images, the load balancers' logs, lines."""
    client, name = environment.cloud.client, environment.full_name
    for repository in (name, f"{name}-prometheus"):
        client("ecr").put_image(repositoryName=repository, imageTag="0123abc", imageManifest=json.dumps(MANIFEST))
    for bucket in client("s3").list_buckets()["Buckets"]:
        write_past_the_policy(client("s3"), bucket["Name"])
    for group in client("logs").describe_log_groups()["logGroups"]:
        client("logs").create_log_stream(logGroupName=group["logGroupName"], logStreamName="written")


def write_past_the_policy(s3: Any, bucket: str) -> None:
    """Write a load balancer's log. The emulator takes the policy's denial of plain HTTP for one of everything."""
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="AWSLogs/a.log.gz", Body=b"GET /product/1")
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)


MANIFEST = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []}

UNPROTECTED = ["-var=deletion_protection=false"]
"""What an operator sets before the databases may be destroyed."""
