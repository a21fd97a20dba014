# The root with a mocked provider. tests/infra/slow applies it to an emulated AWS.
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
  mock_resource "aws_db_proxy" {
    defaults = { endpoint = "proxy.example", arn = "arn:aws:rds:eu-west-1:123456789012:db-proxy:prx-0abc" }
  }
  mock_resource "aws_db_proxy_default_target_group" {
    defaults = { name = "default" } # a random name may begin with a digit, which the provider refuses
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-1:123456789012:heartbeat" }
  }
  mock_resource "aws_db_instance" {
    defaults = {
      address            = "db.example"
      arn                = "arn:aws:rds:eu-west-1:123456789012:db:a"
      resource_id        = "db-ABC"
      master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds", kms_key_id = "k", secret_status = "active" }]
    }
  }
}

variables {
  env                              = "dev"
  team                             = "shop"
  image_tag                        = "0123abc"
  prometheus_image_tag             = "tree-0123abc"
  certificate_arn                  = "arn:aws:acm:eu-west-1:123456789012:certificate/x"
  sns_topic                        = "arn:aws:sns:eu-west-1:123456789012:on-call"
  zone_id                          = "Z1"
  domain_name                      = "shop.example.com"
  prometheus_domain_name           = "prometheus.shop.example.com"
  prometheus_web_config_secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:web"
  prometheus_allowed_cidrs         = ["203.0.113.0/24"]
  fargate_vcpu_quota               = { on_demand = 100, spot = 100 }
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
    condition     = startswith(local.app_environment.DATABASE_URL, "postgresql://shop_service_password@db.example:5432/shop?sslmode=verify-full")
    error_message = "DATABASE_URL must have no password and verify the server."
  }

  assert {
    condition     = module.network.vpc_id != "" && length(module.network.private_subnet_ids) == 2
    error_message = "VPC: in two zones."
  }

  assert {
    condition     = keys(module.network.nat_gateway_ids) == ["eu-west-1a"]
    error_message = "NAT: one gateway by default."
  }

  assert {
    condition = length(distinct([
      module.app.alb_security_group_id, module.app.task_security_group_id,
      module.prometheus.alb_security_group_id, module.prometheus.task_security_group_id,
      module.database.security_group_id, module.cache.security_group_id,
      module.prometheus_storage.security_group_id, module.network.endpoints_security_group_id,
    ])) == 8
    error_message = "Security groups: one for each client and each server."
  }

  assert {
    condition     = module.app.task_definition_family == "dev-chalice-app" && module.cluster.namespace_name == "dev-chalice-app.internal"
    error_message = "ECS Fargate service: the application's tasks, found under <name>.internal."
  }

  assert {
    condition     = module.database.identifier == "dev-chalice-app" && module.database.database_name == "shop"
    error_message = "RDS: the database."
  }

  assert {
    condition     = module.cache.member_cluster_ids == ["dev-chalice-app-001"] && startswith(local.app_environment.REDIS_URL, "rediss://")
    error_message = "ElastiCache: the cache, over TLS."
  }

  assert {
    condition     = { for key, group in module.observability.log_groups : key => group.name } == { for key in ["app", "collector", "prometheus"] : key => "/ecs/dev-chalice-app/${key}" }
    error_message = "CloudWatch log group: one for each container."
  }

  assert {
    condition     = toset(module.dns.names) == toset(["shop.example.com", "prometheus.shop.example.com"])
    error_message = "Route 53 name: the application's and Prometheus'."
  }

  assert {
    condition     = toset(keys(output.repository_urls)) == toset(["app", "prometheus"])
    error_message = "ECR repository: the application's and Prometheus'."
  }

  assert {
    condition     = module.prometheus.service_name == "dev-chalice-app-prometheus"
    error_message = "Prometheus service: a service of its own."
  }

  assert {
    condition     = output.deploy_role_arn == null && output.task_subnet_ids == module.network.private_subnet_ids && output.task_public_ip == "DISABLED" && output.task_security_group_id == module.app.task_security_group_id
    error_message = "The outputs must have what starting the migration needs; without a repository there is no role."
  }

  assert {
    condition     = local.app_environment.DRAIN_ACCEPT_SECONDS == "10" && local.app_environment.DRAIN_SECONDS == "20" && local.stop_timeout_seconds == 40
    error_message = "A task must accept, drain and write its last log lines before SIGKILL."
  }

  # (2 + 2) x 0.5 for both versions, 0.25 for Prometheus, 0.25 for the migration; with 4 tasks 2 more.
  assert {
    condition     = local.vcpus_deploying.least == { on_demand = 2.5, spot = 0 } && local.vcpus_deploying.most == { on_demand = 4.5, spot = 0 }
    error_message = "Quotas: a deployment runs both versions, Prometheus and the migration."
  }

  assert {
    condition     = length(module.app.rollback_alarm_names) == 3 && length(module.prometheus.rollback_alarm_names) == 0
    error_message = "The application's deployments have rollback alarms, Prometheus' have none."
  }

  assert {
    condition     = local.app_environment.ACCESS_LOG_LINES_PER_SECOND == "50" && local.app_environment.ACCESS_LOG_ONE_IN == "20"
    error_message = "Access log by default: 50 lines a second for successes, then one for 20 requests."
  }
}

run "the_service_is_not_the_databases_owner" {
  command = plan # on top of the run before: a db.t4g.micro has too little memory for tokens

  assert {
    condition     = local.app_environment.DATABASE_IAM_AUTH == "false" && local.app_environment.DATABASE_SECRET_ARN == module.database_login[0].arn
    error_message = "With the smallest class the service has a password."
  }

  assert {
    condition     = jsonencode(local.database_secret_arns) == jsonencode({ database = module.database_login[0].arn }) && length(local.database_login_arns) == 0
    error_message = "The tasks may read that password, not the owner's."
  }

  assert {
    condition     = output.migration_task_definition_arn == module.migration.task_definition_arn && module.migration.task_role_arn != ""
    error_message = "The migration must have its own task."
  }
}

run "by_token_there_is_no_password" {
  command = plan

  variables {
    database_class = "db.t4g.small"
  }

  assert {
    condition     = startswith(local.app_environment.DATABASE_URL, "postgresql://shop_service@db.example:5432/shop?sslmode=verify-full&sslrootcert=") && local.app_environment.DATABASE_IAM_AUTH == "true"
    error_message = "The service must log in with a token, to the database only."
  }

  assert {
    condition     = !contains(keys(local.app_environment), "DATABASE_SECRET_ARN") && length(local.database_secret_arns) == 0 && length(module.database_login) == 0
    error_message = "There must be no password secret."
  }

  assert {
    condition     = jsonencode(local.database_login_arns) == jsonencode({ database = "arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-ABC/shop_service" })
    error_message = "The tasks may log in to this database, as this user."
  }
}

run "behind_a_proxy_the_token_is_for_the_proxy" {
  command = plan

  variables {
    database_class = "db.t4g.small"
    database_proxy = true
  }

  override_resource {
    target          = module.database.aws_db_proxy.this[0]
    override_during = plan
    values          = { endpoint = "proxy.example", arn = "arn:aws:rds:eu-west-1:123456789012:db-proxy:prx-0abc" }
  }

  assert {
    condition     = local.app_environment.DATABASE_IAM_AUTH == "true" && local.database_user == "shop_service_password" && length(module.database_login) == 1
    error_message = "The proxy logs in with a password, so the service must use the role that has one."
  }

  assert {
    condition     = local.app_environment.DATABASE_URL == "postgresql://shop_service_password@proxy.example:5432/shop?sslmode=verify-full"
    error_message = "RDS' CA bundle does not verify a proxy."
  }

  assert {
    condition     = jsonencode(local.database_login_arns) == jsonencode({ database = "arn:aws:rds-db:eu-west-1:123456789012:dbuser:prx-0abc/shop_service_password" })
    error_message = "The token must be for the proxy, by its id."
  }
}

run "tokens_on_the_smallest_class_cause_a_warning" {
  command = plan

  variables {
    database_iam_auth = true
  }

  expect_failures = [check.iam_auth_has_memory]
}

run "a_user_that_is_the_owner_is_refused" {
  command = plan

  variables {
    database_service_user = "shop"
  }

  expect_failures = [var.database_service_user]
}

run "prometheus_finds_every_task_and_alerts_reach_the_topic" {
  command = apply

  assert {
    condition = local.prometheus_environment == {
      ALERTMANAGER     = "127.0.0.1:9093"
      AWS_REGION       = "eu-west-1"
      RETENTION        = "15d"
      STORAGE          = "/prometheus"
      STACK            = "dev-chalice-app"
      TARGETS_URL      = "http://127.0.0.1:9099/targets"
      WEB_EXTERNAL_URL = "https://prometheus.shop.example.com"
    }
    error_message = "Prometheus must use the discovery and the Alertmanager of its task, and send samples nowhere."
  }

  assert {
    condition = { for name, permission in local.prometheus_permissions : name => permission.resources } == {
      FindTheTasks  = ["*"]
      PublishAlerts = ["arn:aws:sns:eu-west-1:123456789012:on-call", "arn:aws:sns:eu-west-1:123456789012:heartbeat"]
    }
    error_message = "Its task may publish to the two topics and look up tasks, nothing else."
  }

  assert {
    condition     = local.prometheus_permissions.FindTheTasks.equals == { "servicediscovery:NamespaceName" = ["dev-chalice-app.internal"], "servicediscovery:ServiceName" = ["app"] }
    error_message = "It may look up the tasks of this application only."
  }

  assert {
    condition     = local.prometheus_companions.alertmanager.environment.SNS_TOPIC_ARN == var.sns_topic && local.prometheus_companions.discovery.environment.DISCOVERY_NAMESPACE == "dev-chalice-app.internal"
    error_message = "Alertmanager and CloudWatch's alarms must notify the same topic."
  }

  assert {
    condition     = local.prometheus_missing_endpoints == toset(["data-servicediscovery", "sns"]) && local.runbook_url == ""
    error_message = "It must reach services without a VPC endpoint over the internet; without a repository, alerts name the runbook's file."
  }
}

run "with_endpoints_for_every_service_prometheus_has_no_internet_access" {
  command = plan

  variables {
    interface_endpoints     = ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "xray", "data-servicediscovery", "sns"]
    prometheus_workspace_id = "ws-01234567-89ab-cdef-0123-456789abcdef"
    github_repository       = "example/shop"
  }

  assert {
    condition     = local.prometheus_missing_endpoints == toset(["aps-workspaces"])
    error_message = "A workspace needs one more service."
  }

  assert {
    condition     = local.remote_write_url == "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-01234567-89ab-cdef-0123-456789abcdef/api/v1/remote_write"
    error_message = "The URL must be the workspace's."
  }

  assert {
    condition     = local.prometheus_environment.REMOTE_WRITE_URL == local.remote_write_url && local.prometheus_permissions.SendSamples == { actions = ["aps:RemoteWrite"], resources = ["arn:aws:aps:eu-west-1:123456789012:workspace/ws-01234567-89ab-cdef-0123-456789abcdef"] }
    error_message = "It must send samples to that workspace, and may write to no other."
  }

  assert {
    condition     = local.runbook_url == "https://github.com/example/shop/blob/main/docs/runbook.md"
    error_message = "Alerts must link to the runbook of the repository."
  }
}

# floor(0.8 * 91) = 72 connections on a db.t4g.micro; 7 tasks, doubled during a deployment, with 5 each are 70.
run "eighty_percent_of_the_connections_are_accepted" {
  command = plan

  variables {
    app_tasks = { min = 2, max = 7 }
  }

  assert {
    condition     = local.connections_needed == 70 && local.connections_allowed == 72
    error_message = "Needed are the maximum of tasks during a deployment times the pool size."
  }
}

run "more_are_refused" {
  command = plan

  variables {
    app_tasks = { min = 2, max = 8 }
  }

  expect_failures = [terraform_data.preconditions]
}

run "more_than_one_vcpu_causes_a_warning" {
  command = plan

  variables {
    app_cpu    = 2048
    app_memory = 4096
  }

  expect_failures = [check.app_cpu_is_used]
}

run "the_infrequent_class_causes_a_warning" {
  command = plan

  variables {
    app_log_group_class = "INFREQUENT_ACCESS"
  }

  expect_failures = [check.app_log_lines_are_watched]
}

run "a_larger_pool_is_refused_too" {
  command = plan

  variables {
    database_pool_size = 10
  }

  expect_failures = [terraform_data.preconditions]
}

# (3 + 3) x 1 for both versions, 0.25 for Prometheus, 0.25 for the migration: 6.5, more than the 6 of a new account.
run "a_deployment_past_the_quota_is_refused" {
  command = plan

  variables {
    app_cpu            = 1024
    app_memory         = 2048
    app_tasks          = { min = 3, max = 3 }
    fargate_vcpu_quota = { on_demand = 6, spot = 0 }
  }

  expect_failures = [terraform_data.preconditions, check.quotas_allow_the_most_tasks]
}

# Of the 10 tasks above the minimum, half run on FARGATE_SPOT: 2.5 vCPUs.
run "a_sale_past_the_quota_of_spot_is_refused" {
  command = plan

  variables {
    app_tasks          = { min = 2, max = 12 }
    app_spot_weight    = 50
    database_class     = "db.m7g.large"
    app_autoscaling    = { scheduled = [{ name = "sale", schedule = "cron(0 6 27 11 ? *)", min = 12, max = 12 }] }
    fargate_vcpu_quota = { on_demand = 100, spot = 2 }
  }

  expect_failures = [terraform_data.preconditions, check.quotas_allow_the_most_tasks]
}

run "the_repositories_come_first_on_an_empty_account" {
  command = plan

  plan_options {
    target = [module.ecr]
  }

  assert {
    condition     = toset(keys(output.repository_urls)) == toset(["app", "prometheus"])
    error_message = "The pipeline must be able to push before the rest exists."
  }
}

run "production" {
  command = plan

  variables {
    zone_letters          = ["a", "b", "c"]
    single_nat_gateway    = false
    app_tasks             = { min = 3, max = 20 }
    app_spot_weight       = 50
    app_autoscaling       = { scheduled = [{ name = "sale", schedule = "cron(0 6 27 11 ? *)", min = 12, max = 20 }] }
    database_proxy        = true
    multi_az              = true
    cache_replicas        = 2
    github_repository     = "example/shop"
    github_repository_ids = { owner = 123456, repository = 456789 }
    github_environment    = "prod"
  }

  assert {
    condition     = length(module.network.nat_gateway_ids) == 3 && length(module.cache.member_cluster_ids) == 3
    error_message = "A NAT gateway for each zone, a primary and two replicas."
  }

  assert {
    condition = jsonencode(module.github_oidc[*].subjects) == jsonencode([[
      "repo:example/shop:ref:refs/heads/main", "repo:example@123456/shop@456789:ref:refs/heads/main",
      "repo:example/shop:environment:prod", "repo:example@123456/shop@456789:environment:prod",
    ]])
    error_message = "The role must trust the repository with its ids and its environment."
  }

  assert {
    condition     = local.connections_needed == 200 && local.database_ca == ""
    error_message = "A proxy accepts more connections than the class, and RDS' CA bundle does not verify its certificate."
  }

  # The minimum of 3 runs on FARGATE, half of the rest on Spot: 8 and 5 in the sale, twice 12 and 9 with all tasks.
  assert {
    condition     = local.vcpus_running.sale == { on_demand = 4.25, spot = 2.5 } && local.vcpus_deploying.most == { on_demand = 12.5, spot = 9 }
    error_message = "Quotas: FARGATE_SPOT has its own."
  }
}

run "tasks_with_public_addresses_need_no_nat_gateway" {
  command = apply

  variables {
    public_tasks        = true
    interface_endpoints = []
  }

  assert {
    condition     = length(module.network.nat_gateway_ids) == 0
    error_message = "There must be no NAT gateway to pay for."
  }

  assert {
    condition     = output.task_subnet_ids == module.network.public_subnet_ids && output.task_public_ip == "ENABLED"
    error_message = "Tasks and the migration must have a public address."
  }
}

run "bad_names_are_refused" {
  command = plan

  variables {
    env                              = "Prod!"
    service                          = "a-service-with-a-long-name"
    team                             = " "
    image_tag                        = "latest"
    prometheus_image_tag             = "latest"
    zone_id                          = "/hostedzone/Z1"
    domain_name                      = "shop.example.com."
    github_repository                = "example/*"
    github_environment               = "prod*"
    certificate_arn                  = "arn:aws:acm:us-east-1:123456789012:certificate/x"
    sns_topic                        = "on-call"
    prometheus_web_config_secret_arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/web"
    prometheus_allowed_cidrs         = ["0.0.0.0/1", "128.0.0.0/1"]
  }

  expect_failures = [
    var.env, var.service, var.team, var.image_tag, var.prometheus_image_tag, var.zone_id, var.domain_name, var.github_repository,
    var.github_environment, var.certificate_arn, var.sns_topic, var.prometheus_web_config_secret_arn, var.prometheus_allowed_cidrs,
  ]
}

run "values_with_which_the_server_would_not_start_are_refused" {
  command = plan

  variables {
    prometheus_domain_name   = "shop.example.com"
    zone_letters             = ["a"]
    app_tasks                = { min = 3, max = 2 }
    app_server               = "gunicorn"
    app_threads              = 0
    app_log_level            = "LOUD"
    app_drain_accept_seconds = 91
    cpu_architecture         = "arm64"
    fargate_vcpu_quota       = { on_demand = 0, spot = 6 }
    app_access_log           = { one_in = 0 }
    app_log_group_class      = "DELIVERY"
    cache_ttl_seconds        = 100000
    local_lease_ms           = 251
    database_pool_size       = 2.5
    prometheus_retention     = "forever"
    prometheus_workspace_id  = "shop"
    prometheus_storage       = "/tmp"
    runbook_url              = "docs/runbook.md"
    multi_az                 = true
  }

  expect_failures = [
    var.prometheus_domain_name, var.zone_letters, var.app_tasks, var.app_server, var.app_threads, var.app_log_level,
    var.cpu_architecture, var.fargate_vcpu_quota,
    var.app_drain_accept_seconds, var.app_access_log, var.app_log_group_class,
    var.cache_ttl_seconds, var.local_lease_ms, var.database_pool_size, var.prometheus_retention, var.multi_az,
    var.prometheus_workspace_id, var.prometheus_storage, var.runbook_url,
  ]
}

run "ids_without_a_repository_are_refused" {
  command = plan

  variables {
    github_repository_ids = { owner = 123456, repository = 456789 }
  }

  expect_failures = [var.github_repository_ids]
}

run "invalid_ids_are_refused" {
  command = plan

  variables {
    github_repository     = "example/shop"
    github_repository_ids = { owner = 1.5, repository = 0 }
  }

  expect_failures = [var.github_repository_ids]
}
