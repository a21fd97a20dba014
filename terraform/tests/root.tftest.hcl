# The whole, joined, with a provider that is played. What AWS itself would say of it is asked of the emulator
# (tests/infra/slow).
mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { name = "eu-west-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_data "aws_elb_service_account" {
    defaults = { arn = "arn:aws:iam::156460612806:root" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/r" }
  }
  mock_resource "aws_lb" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/a/1", arn_suffix = "app/a/1" }
  }
  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/a/1", arn_suffix = "targetgroup/a/1" }
  }
  mock_resource "aws_lb_listener" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/a/1/2" }
  }
  mock_resource "aws_ecs_cluster" {
    defaults = { arn = "arn:aws:ecs:eu-west-1:123456789012:cluster/a" }
  }
  mock_resource "aws_ecs_task_definition" {
    defaults = { arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/a:1" }
  }
  mock_resource "aws_service_discovery_service" {
    defaults = { arn = "arn:aws:servicediscovery:eu-west-1:123456789012:service/srv-1" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:123456789012:log-group:g" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::b" }
  }
  mock_resource "aws_efs_file_system" {
    defaults = { arn = "arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-1" }
  }
  mock_resource "aws_efs_access_point" {
    defaults = { arn = "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-1" }
  }
  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s" }
  }
  mock_resource "aws_db_instance" {
    defaults = {
      address            = "db.example"
      master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds", kms_key_id = "k", secret_status = "active" }]
    }
  }
}

variables {
  env                              = "dev"
  team                             = "shop"
  image_tag                        = "0123abc"
  certificate_arn                  = "arn:aws:acm:eu-west-1:123456789012:certificate/x"
  sns_topic                        = "arn:aws:sns:eu-west-1:123456789012:on-call"
  zone_id                          = "Z1"
  domain_name                      = "shop.example.com"
  prometheus_domain_name           = "prometheus.shop.example.com"
  prometheus_web_config_secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:web"
  prometheus_allowed_cidrs         = ["203.0.113.0/24"]
}

run "the_image_and_the_secrets_reach_the_task" {
  command = apply

  assert {
    condition     = output.service_name == "dev-chalice-app" && output.cluster_name == "dev-chalice-app"
    error_message = "Names are <env>-<service>."
  }

  assert {
    condition     = local.app_environment.API_KEYS_SECRET_ARN == "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s" && local.app_environment.REDIS_SECRET_ARN == "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s"
    error_message = "The task reads its secrets by ARN."
  }

  assert {
    condition     = startswith(local.app_environment.DATABASE_URL, "postgresql://shop@db.example:5432/shop?sslmode=verify-full")
    error_message = "The database's URL has no password, and verifies the server."
  }

  assert {
    condition     = tonumber(local.app_environment.DRAIN_SECONDS) < local.stop_timeout_seconds
    error_message = "The drain must end before SIGKILL."
  }
}

run "too_many_connections_are_refused" {
  command = plan

  variables {
    app_tasks = { min = 2, max = 20 }
  }

  expect_failures = [terraform_data.preconditions]
}

run "a_proxy_takes_them" {
  command = plan

  variables {
    app_tasks      = { min = 2, max = 20 }
    database_proxy = true
  }
}

run "everybody_at_prometheus_is_refused" {
  command = plan

  variables {
    prometheus_allowed_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.prometheus_allowed_cidrs]
}

run "bad_names_are_refused" {
  command = plan

  variables {
    env       = "Prod!"
    service   = "a-service-with-a-long-name"
    image_tag = "latest"
  }

  expect_failures = [var.env, var.service, var.image_tag]
}
