"""`trial` is applied without a NAT gateway, and destroyed. What it shares with `dev` is tested there."""

import pytest

from tests.infra.account.questions import Account
from tests.infra.environments import Environment
from tests.infra.slow.promises import (  # noqa: F401 - tests
    test_a_second_plan_changes_nothing,
    test_its_bill_is_the_one_in_the_docs,
    test_only_load_balancers_can_be_reached_from_anywhere,
    test_security_groups_chain_from_the_internet_to_the_stores,
    test_stores_are_private_and_encrypted,
)
from tests.infra.slow.promises import test_everything_can_be_destroyed as comes_down_again

pytestmark = [pytest.mark.infra, pytest.mark.timeout(900)]

ENVIRONMENT = "trial"


def test_tasks_have_public_addresses_and_there_is_no_nat_gateway(applied: Environment, account: Account) -> None:
    client = account.cloud.client("ec2")
    assert client.describe_nat_gateways()["NatGateways"] == client.describe_addresses()["Addresses"] == []
    balancer = account.load_balancers()[account.name]
    public = {zone["SubnetId"] for zone in balancer["AvailabilityZones"]}
    for suffix in ("", "-prometheus"):
        network = account.service(suffix)["networkConfiguration"]["awsvpcConfiguration"]
        assert (network["assignPublicIp"], set(network["subnets"])) == ("ENABLED", public)
    assert set(applied.outputs["task_subnet_ids"]) == public


def test_there_is_one_of_each(account: Account) -> None:
    assert account.service()["desiredCount"] == account.service("-prometheus")["desiredCount"] == 1
    assert not account.database()["MultiAZ"]
    assert len(account.cache()["MemberClusters"]) == 1


test_it_leaves_nothing = comes_down_again
