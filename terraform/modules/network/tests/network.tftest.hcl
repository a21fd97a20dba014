mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { name = "eu-west-1" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:123456789012:log-group:flow" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/flow" }
  }
}

variables {
  name               = "test-shop"
  zones              = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
  single_nat_gateway = false
}

run "three_tiers_in_three_zones" {
  command = apply

  assert {
    condition     = length(output.public_subnet_ids) == 3 && length(output.private_subnet_ids) == 3 && length(output.isolated_subnet_ids) == 3
    error_message = "Each tier must have a subnet in each zone."
  }

  assert {
    condition     = alltrue([for subnet in concat(values(aws_subnet.public), values(aws_subnet.private), values(aws_subnet.isolated)) : subnet.map_public_ip_on_launch != true])
    error_message = "Nothing gets a public address by itself."
  }

  assert {
    condition     = length(distinct([for subnet in concat(values(aws_subnet.public), values(aws_subnet.private), values(aws_subnet.isolated)) : subnet.cidr_block])) == 9
    error_message = "Subnets must not overlap."
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(aws_route.nat) == 3
    error_message = "Each zone must have its NAT gateway and a route to it."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.endpoints[0].cidr_ipv4 == "10.0.0.0/16"
    error_message = "Endpoints are for the VPC alone."
  }

  assert {
    condition     = length(aws_vpc_endpoint.interface) == 4
    error_message = "Images, logs and secrets must not pass the NAT gateway."
  }
}

run "one_nat_gateway_for_all" {
  command = apply

  variables {
    single_nat_gateway  = true
    interface_endpoints = []
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.nat) == 3
    error_message = "Every private subnet must have a route to the one NAT gateway."
  }

  assert {
    condition     = output.endpoints_security_group_id == null && length(aws_security_group.endpoints) == 0
    error_message = "Without endpoints there must be no security group for them."
  }
}

run "no_nat_gateway_at_all" {
  command = apply

  variables {
    nat_enabled = false
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_eip.nat) == 0 && length(aws_route.nat) == 0 && length(output.nat_gateway_ids) == 0
    error_message = "Without NAT there must be no NAT gateway and no elastic address to pay for."
  }

  assert {
    condition     = contains(aws_vpc_endpoint.s3.route_table_ids, aws_route_table.public.id)
    error_message = "Tasks in the public subnets reach S3 by its endpoint: their egress rule names its prefix list."
  }
}

run "one_zone_is_refused" {
  command = plan

  variables {
    zones = ["eu-west-1a"]
  }

  expect_failures = [var.zones]
}

run "a_range_too_small_is_refused" {
  command = plan

  variables {
    cidr = "10.0.0.0/24"
  }

  expect_failures = [var.cidr]
}
