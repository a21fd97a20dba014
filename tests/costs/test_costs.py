"""The costs of a plan follow docs/prices.toml, fail without a price, and are those in docs/costs.md."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fargate.settings import Settings
from local.costs.__main__ import REGIONS, main
from local.costs.bill import bill, free, price_list
from local.costs.plan import Plan
from local.costs.prices import HOURS, CostError, Prices
from local.costs.rules import BY_USE, FREE, ROWS, RULES, Item, items
from local.costs.traffic import LINE_KB, LINES_PER_SECOND, ONE_IN, traffic
from tests.fixtures.servers import ROOT
from tests.load import capacity

PAGE = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
IRELAND = Prices("eu-west-1")


def resource(type: str, name: str = "this", module: str = "", **values: Any) -> dict[str, Any]:
    address = f"{module}.{type}.{name}".removeprefix(".")
    return {"mode": "managed", "address": address, "type": type, "name": name, "values": values}


def document(*resources: dict[str, Any], module: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    child = {"address": "module.app", "resources": list(module)}
    return {
        "variables": {"env": {"value": "dev"}, "region": {"value": "eu-west-1"}},
        "planned_values": {"root_module": {"resources": list(resources), "child_modules": [child]}},
    }


def service(tasks: int, architecture: str = "X86_64", public: bool = False) -> tuple[dict[str, Any], ...]:
    return (
        resource(
            "aws_ecs_service",
            module="module.app",
            desired_count=tasks,
            network_configuration=[{"assign_public_ip": public}],
        ),
        resource(
            "aws_ecs_task_definition",
            module="module.app",
            cpu="512",
            memory="1024",
            runtime_platform=[{"cpu_architecture": architecture}],
        ),
    )


SUBNETS = [resource("aws_subnet", name) for name in ("public", "public", "private", "private", "private")]


@pytest.mark.parametrize(
    ("resources", "module", "billed"),
    [
        ([], service(3), [("tasks", "vCPU of Fargate", 1.5), ("tasks", "GB of Fargate", 3)]),
        ([], service(1, "ARM64"), [("tasks", "vCPU of Fargate on ARM64", 0.5), ("tasks", "GB of Fargate on ARM64", 1)]),
        ([], service(2, public=True)[:2], [("public IPv4 addresses", "public IPv4 address", 2)]),
        (
            [resource("aws_lb", internal=False), *SUBNETS],
            (),
            [("load balancers", "load balancer", 1), ("public IPv4 addresses", "public IPv4 address", 2)],
        ),
        ([resource("aws_lb", internal=True), *SUBNETS], (), [("load balancers", "load balancer", 1)]),
        (
            [resource("aws_vpc_endpoint", vpc_endpoint_type="Interface"), *SUBNETS],
            (),
            [("interface endpoints", "interface endpoint in a zone", 3)],
        ),
        ([resource("aws_vpc_endpoint", vpc_endpoint_type="Gateway"), *SUBNETS], (), []),
        (
            [
                resource(
                    "aws_db_instance",
                    instance_class="db.m7g.large",
                    multi_az=True,
                    allocated_storage=100,
                    manage_master_user_password=True,
                ),
                resource("aws_db_proxy"),
            ],
            (),
            [
                ("database", "db.m7g.large Multi-AZ", 1),
                ("database", "GB of gp3 Multi-AZ", 100),
                ("secrets, zones, images, files", "secret", 1),
                ("RDS Proxy", "vCPU behind RDS Proxy", 2),
            ],
        ),
        (
            [
                resource(
                    "aws_elasticache_replication_group",
                    engine="valkey",
                    node_type="cache.m7g.large",
                    num_cache_clusters=3,
                )
            ],
            (),
            [("cache", "cache.m7g.large of Valkey", 3)],
        ),
        ([resource("aws_cloudwatch_metric_alarm")], (), [("alarms and dashboard", "alarm on a metric", 1)]),
        (
            [
                resource(
                    "aws_cloudwatch_metric_alarm", metric_query=[{"metric": []}, {"metric": [{}]}, {"metric": [{}]}]
                )
            ],
            (),
            [("alarms and dashboard", "alarm on a metric", 2)],
        ),
        (
            [resource("aws_ecs_cluster", setting=[{"name": "containerInsights", "value": "enabled"}])],
            service(1),
            [("custom metrics", "custom metric", 32)],
        ),
        ([resource("aws_ecs_cluster", setting=[{"name": "containerInsights", "value": "disabled"}])], (), []),
        (
            [resource("aws_wafv2_web_acl", rule=[{}, {}])],
            (),
            [("WAF", "web ACL", 1), ("WAF", "rule of a web ACL", 2)],
        ),
        ([resource("aws_iam_role"), resource("aws_s3_bucket"), resource("terraform_data")], (), []),
    ],
)
def test_a_resource_is_billed_by_its_configuration(
    resources: list[dict[str, Any]], module: tuple[dict[str, Any], ...], billed: list[tuple[str, str, float]]
) -> None:
    found = list(items(Plan(document(*resources, module=module))))
    assert [each for each in found if (each.row, each.price, each.count) in billed] == [Item(*each) for each in billed]
    if not billed:
        assert found == []


def test_the_bill_is_the_sum_of_its_rows_a_month_and_a_day() -> None:
    plan = Plan(document(resource("aws_eip"), resource("aws_eip"), resource("aws_cloudwatch_dashboard")))
    lines = bill(plan, [IRELAND]).splitlines()
    assert lines[0] == "| dev |  | $ in eu-west-1 |"
    assert "| public IPv4 addresses | 2 x public IPv4 address | 7.30 |" in lines
    assert lines[-2] == f"| **a month** |  | **{2 * 0.005 * HOURS + 3:,.0f}** |"
    assert lines[-1] == f"| **a day** |  | **{2 * 0.005 * 24 + 3 * 24 / HOURS:,.2f}** |"


def test_free_resources_are_listed_as_free() -> None:
    said = free(Plan(document(resource("aws_vpc"), resource("aws_s3_bucket"))))
    assert said == f"Free: aws_vpc.\naws_s3_bucket: {BY_USE['aws_s3_bucket']}."


def test_a_type_that_is_not_known_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(document(resource("aws_kms_key"))))
    assert main([str(plan)]) == 1
    assert "aws_kms_key.this: local/costs/rules.py does not say what aws_kms_key costs" in capsys.readouterr().err


def test_a_size_without_a_price_is_refused() -> None:
    group = resource("aws_elasticache_replication_group", engine="redis", node_type="cache.r7g.large")
    group["values"]["num_cache_clusters"] = 1
    with pytest.raises(CostError, match=r'"cache[.]r7g[.]large of Redis" has no price in eu-west-1'):
        bill(Plan(document(group)), [IRELAND])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"planned_values": {"root_module": {}}}'])
def test_a_file_that_is_no_plan_is_refused(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(text)
    assert main([str(plan)]) == 1
    assert capsys.readouterr().err


def test_every_price_is_of_both_regions_and_dated() -> None:
    names = [[price.name for price in Prices(region)] for region in REGIONS]
    assert names[0] == names[1]
    for price in (price for region in REGIONS for price in Prices(region)):
        assert price.usd > 0
        assert isinstance(price.source.date, date)
        assert price.source.url.startswith("https://") or price.source.how.startswith("not looked up: ")


def test_no_type_is_in_two_tables_and_every_row_has_its_place() -> None:
    assert not RULES.keys() & FREE
    assert not RULES.keys() & BY_USE.keys()
    assert not FREE & BY_USE.keys()
    assert len(set(ROWS)) == len(ROWS)


@pytest.mark.parametrize("table", [traffic(IRELAND), price_list([Prices(region) for region in REGIONS])])
def test_the_page_contains_the_output_of_the_program(table: str) -> None:
    assert table in PAGE, table


def tasks(vcpus: float, gigabytes: float, kind: str = "") -> float:
    """Return dollars a month."""
    return vcpus * IRELAND[f"vCPU of Fargate{kind}"].monthly + gigabytes * IRELAND[f"GB of Fargate{kind}"].monthly


def test_the_page_names_the_saving_of_graviton() -> None:
    assert f"would cost {tasks(3.25, 7):.2f} in place of {tasks(3.25, 7, ' on ARM64'):.2f}" in PAGE


def test_the_capacity_model_uses_the_same_prices() -> None:
    assert IRELAND["GB of lines"].usd == capacity.GIGABYTE_LOGGED
    assert IRELAND["million traces"].usd == pytest.approx(capacity.TRACE * 1e6)
    assert LINE_KB == capacity.LINE_KB
    assert (Settings().access_log_lines_per_second, Settings().access_log_one_in) == (LINES_PER_SECOND, ONE_IN)
    assert round(IRELAND["LCU"].monthly) == capacity.LCU
    assert round(IRELAND["load balancer"].monthly) == capacity.BALANCER
    assert round(tasks(1, 2, " on ARM64")) == capacity.TASK
    assert round(3 * IRELAND["cache.m7g.large of Valkey"].monthly) == capacity.SHARD
