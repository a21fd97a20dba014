mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
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
  mock_resource "aws_ecs_task_definition" {
    defaults = { arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/a:1" }
  }
  mock_resource "aws_service_discovery_service" {
    defaults = { arn = "arn:aws:servicediscovery:eu-west-1:123456789012:service/srv-1" }
  }
  mock_resource "aws_wafv2_web_acl" {
    defaults = { arn = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/a/b" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:123456789012:log-group:g" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::b" }
  }
}

variables {
  name                   = "test-shop"
  region                 = "eu-west-1"
  cluster_arn            = "arn:aws:ecs:eu-west-1:123456789012:cluster/test-shop"
  cluster_name           = "test-shop"
  vpc_id                 = "vpc-1"
  public_subnet_ids      = ["subnet-1", "subnet-2"]
  private_subnet_ids     = ["subnet-3", "subnet-4"]
  discovery_namespace_id = "ns-1"
  discovery_name         = "app"
  log_group_name         = "/ecs/test-shop/app"
  log_group_arn          = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/test-shop/app"
  certificate_arn        = "arn:aws:acm:eu-west-1:123456789012:certificate/x"
  allowed_cidrs          = ["0.0.0.0/0"]
  hidden_paths           = ["/metrics"]
  health_check_path      = "/readyz"
  cpu                    = 512
  memory                 = 1024
  task_count             = { min = 2, max = 4 }
  autoscaling = {
    cpu_percent         = 50
    requests_per_target = 30000
    scheduled           = [{ name = "sale", schedule = "cron(0 6 27 11 ? *)", min = 4, max = 4 }]
  }
  container = {
    name                 = "app"
    image                = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/test-shop:0123abc"
    port                 = 3000
    user                 = "10001:10001"
    health_check_command = ["CMD", "python", "-m", "fargate.probe"]
  }
  environment          = { PORT = "3000", DATABASE_SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db" }
  secrets              = { TOKEN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:web-AbCdEf:token::" }
  readable_secret_arns = { database = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db" }
  database_login_arns  = { database = "arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-ABC/shop_service" }
  egress               = { database = { security_group_id = "sg-db", port = 5432 } }
  metrics_clients      = { prometheus = "sg-prometheus" }
  tracing_sidecar = {
    image     = "210987654321.dkr.ecr.eu-central-1.amazonaws.com/shared/collector@sha256:0123"
    cpu       = 64
    memory    = 256
    log_group = { name = "/ecs/test-shop/collector", arn = "arn:aws:logs:eu-west-1:123456789012:log-group:c" }
  }
  companions  = { helper = { entry_point = ["/helper"], cpu = 16, memory = 64, environment = { A = "b" } } }
  permissions = { Tell = { actions = ["sns:Publish"], resources = ["arn:aws:sns:eu-west-1:123456789012:t"], equals = { "aws:SourceVpc" = ["vpc-1"] } } }
}

run "as_promised" {
  command = apply

  # The task.

  assert {
    condition = alltrue([
      for container in jsondecode(aws_ecs_task_definition.this.container_definitions) :
      container.readonlyRootFilesystem && container.user == "10001:10001" && container.logConfiguration.options["mode"] == "non-blocking" && contains(keys(container.logConfiguration.options), "max-buffer-size")
    ])
    error_message = "Every container: read-only root, no root user, a log driver that never blocks."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].healthCheck.command[0] == "CMD" && !contains(keys(jsondecode(aws_ecs_task_definition.this.container_definitions)[0]), "command")
    error_message = "The health check needs no shell; the image says what runs."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].stopTimeout == 40
    error_message = "SIGKILL must come after the drain."
  }

  assert {
    condition     = strcontains(jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment[0].value, "127.0.0.1:2000")
    error_message = "The collector must take segments where the program sends them."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].dependsOn == [{ containerName = "collector", condition = "START" }]
    error_message = "The collector ends after the program, or the last traces are lost."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].secrets == [{ name = "TOKEN", valueFrom = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:web-AbCdEf:token::" }]
    error_message = "ECS must get the key of the secret too."
  }

  assert {
    condition = (
      sum([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.cpu]) == 512 &&
      sum([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : try(container.memoryReservation, container.memory)]) == 1024
    )
    error_message = "The shares of the containers add up to the task's."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[1].restartPolicy == { enabled = true, restartAttemptPeriod = 60 } && !jsondecode(aws_ecs_task_definition.this.container_definitions)[1].essential
    error_message = "A collector that dies is started again, and takes no task with it."
  }

  assert {
    condition     = yamldecode(jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment[0].value).service.pipelines.traces.processors[0] == "memory_limiter"
    error_message = "The limiter comes before what holds segments."
  }

  # 256 MiB: 50 beside the heap still fit above the limiter's 153, and the garbage collector works harder from 204 on.
  assert {
    condition = (
      yamldecode(jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment[0].value).processors.memory_limiter.limit_mib == 153 &&
      jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment[1] == { name = "GOMEMLIMIT", value = "204MiB" }
    )
    error_message = "The collector keeps itself below its memory."
  }

  assert {
    condition     = one(aws_ecs_task_definition.this.runtime_platform).cpu_architecture == "ARM64"
    error_message = "Graviton by default."
  }

  assert {
    condition     = !aws_ecs_service.this.network_configuration[0].assign_public_ip && aws_ecs_task_definition.this.skip_destroy
    error_message = "Tasks have no public address, and old revisions stay to go back to, unless otherwise is asked for."
  }

  assert {
    condition = {
      for container in slice(jsondecode(aws_ecs_task_definition.this.container_definitions), 2, 3) : container.name => [
        container.image, container.entryPoint, container.essential, container.restartPolicy.enabled, container.environment, container.mountPoints,
      ]
    } == { helper = [var.container.image, ["/helper"], true, true, [{ name = "A", value = "b" }], []] }
    error_message = "A companion has the same image, is restarted when it ends, and mounts no volume by default."
  }

  # The roles.

  assert {
    condition     = one([for statement in data.aws_iam_policy_document.execution.statement : statement.resources if statement.sid == "ReadEnvironmentSecrets"]) == toset(["arn:aws:secretsmanager:eu-west-1:123456789012:secret:web-AbCdEf"])
    error_message = "The permission is for the secret itself: IAM does not know its keys."
  }

  assert {
    condition = one([for statement in data.aws_iam_policy_document.execution.statement : statement.resources if statement.sid == "PullImages"]) == toset([
      "arn:aws:ecr:eu-west-1:123456789012:repository/test-shop",
      "arn:aws:ecr:eu-central-1:210987654321:repository/shared/collector",
    ])
    error_message = "Both images can be fetched, and no others."
  }

  assert {
    condition = alltrue(flatten([
      for document in [data.aws_iam_policy_document.execution, data.aws_iam_policy_document.task] : [
        for statement in document.statement :
        !contains(statement.resources, "*") || length(setsubtract(statement.actions, ["ecr:GetAuthorizationToken", "xray:PutTraceSegments", "xray:PutTelemetryRecords"])) == 0
      ]
    ]))
    error_message = "Only actions that support no resources may have *."
  }

  assert {
    condition = one([for statement in data.aws_iam_policy_document.task.statement : [statement.actions, statement.resources, one(statement.condition).variable, one(statement.condition).values] if statement.sid == "Tell"]) == [
      toset(["sns:Publish"]), toset(["arn:aws:sns:eu-west-1:123456789012:t"]), "aws:SourceVpc", tolist(["vpc-1"]),
    ]
    error_message = "A permission must keep its actions, resources and conditions."
  }

  assert {
    condition     = one(one(data.aws_iam_policy_document.trust.statement).condition).variable == "aws:SourceAccount"
    error_message = "Only tasks of this account may have the roles."
  }

  assert {
    condition     = one([for statement in data.aws_iam_policy_document.task.statement : statement.resources if toset(statement.actions) == toset(["rds-db:connect"])]) == toset(["arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-ABC/shop_service"])
    error_message = "The program logs in to that database, as that user."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.task.statement :
      statement.sid != "ReadSecrets" || statement.resources == toset(["arn:aws:secretsmanager:eu-west-1:123456789012:secret:db"])
    ])
    error_message = "The programs may read only the given secrets."
  }

  # The way in.

  assert {
    condition     = aws_lb_listener.https.ssl_policy == "ELBSecurityPolicy-TLS13-1-2-2021-06" && aws_lb_listener.http.default_action[0].type == "redirect"
    error_message = "Modern TLS, and nothing else."
  }

  assert {
    condition     = one(aws_lb_listener_rule.hidden["/metrics"].action).fixed_response[0].status_code == "404"
    error_message = "/metrics must not be public."
  }

  assert {
    condition     = one(one(aws_lb_listener_rule.hidden["/metrics"].condition).path_pattern).values == toset(["/metrics", "*/metrics", "*/metrics/*"])
    error_message = "/metrics/, //metrics and /stage/metrics must not be public: the server may treat them as /metrics."
  }

  assert {
    condition     = aws_lb.this.drop_invalid_header_fields && aws_lb.this.access_logs[0].enabled
    error_message = "Invalid headers must be dropped, and access logged."
  }

  assert {
    condition     = one(aws_lb_target_group.this.health_check).path == "/readyz" && tonumber(aws_lb_target_group.this.deregistration_delay) <= 20
    error_message = "Readiness decides, and the delay fits the drain."
  }

  assert {
    condition     = alltrue([for rule in [aws_vpc_security_group_ingress_rule.from_load_balancer, aws_vpc_security_group_ingress_rule.from_metrics_clients["prometheus"]] : rule.cidr_ipv4 == null && rule.from_port == 3000])
    error_message = "Only the load balancer and Prometheus may reach the tasks, at their port."
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.to_internet) == 0
    error_message = "Tasks must not reach the internet by default."
  }

  assert {
    condition     = alltrue([for rule in values(aws_vpc_security_group_ingress_rule.web) : contains([80, 443], rule.from_port) && rule.from_port == rule.to_port])
    error_message = "Of the load balancer, only the ports of the web are open."
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.access_logs.restrict_public_buckets && one([for statement in data.aws_iam_policy_document.access_logs.statement : one(statement.principals).identifiers if statement.sid == "LoadBalancersWrite"]) == toset(["logdelivery.elasticloadbalancing.amazonaws.com"])
    error_message = "Only load balancers write to the bucket of access logs."
  }

  # The service.

  assert {
    condition     = aws_ecs_service.this.deployment_circuit_breaker[0].enable && aws_ecs_service.this.deployment_circuit_breaker[0].rollback
    error_message = "A deployment that fails rolls itself back."
  }

  assert {
    condition     = length(aws_ecs_service.this.alarms) == 0 && length(local.rollback_alarm_names) == 0
    error_message = "Without rollback_alarms the circuit breaker alone judges."
  }

  assert {
    condition     = !one(aws_ecs_service.this.network_configuration).assign_public_ip
    error_message = "Tasks have no public address."
  }

  assert {
    condition     = aws_appautoscaling_target.this.min_capacity == 2 && aws_appautoscaling_target.this.max_capacity == 4 && length(aws_appautoscaling_scheduled_action.this) == 1
    error_message = "It scales between its bounds, and for a sale."
  }

  assert {
    condition     = aws_appautoscaling_policy.requests[0].target_tracking_scaling_policy_configuration[0].predefined_metric_specification[0].resource_label == "app/a/1/targetgroup/a/1"
    error_message = "Requests for each target are those of its own load balancer."
  }

  assert {
    condition     = aws_ecs_service.this.force_new_deployment && one(aws_ecs_service.this.capacity_provider_strategy).base == 2
    error_message = "Another number of tasks must change the service, not replace it."
  }
}

run "a_public_address_and_no_old_revisions" {
  command = plan

  variables {
    assign_public_ip      = true
    keep_task_definitions = false
  }

  assert {
    condition     = aws_ecs_service.this.network_configuration[0].assign_public_ip && !aws_ecs_task_definition.this.skip_destroy
    error_message = "A trial has no NAT gateway and leaves no revisions."
  }
}

run "a_fixed_number" {
  command = apply

  variables {
    autoscaling     = null
    tracing_sidecar = null
    companions      = {}
    waf_enabled     = true
  }

  assert {
    condition     = aws_appautoscaling_target.this.max_capacity == 2 && length(aws_appautoscaling_policy.cpu) == 0
    error_message = "Without autoscaling the number of tasks is the minimum."
  }

  assert {
    condition     = length(jsondecode(aws_ecs_task_definition.this.container_definitions)) == 1 && length([for statement in data.aws_iam_policy_document.task.statement : statement if statement.sid == "SendTraces"]) == 0
    error_message = "Without a collector there are no traces to send."
  }

  assert {
    condition     = length(aws_wafv2_web_acl_association.this) == 1
    error_message = "WAF must protect the load balancer."
  }
}

run "a_deployment_is_judged_by_alarms" {
  command = apply

  variables {
    rollback_alarms  = { error_percent = 2 }
    cpu_architecture = "X86_64"
  }

  assert {
    condition = one(aws_ecs_service.this.alarms).enable && one(aws_ecs_service.this.alarms).rollback && one(aws_ecs_service.this.alarms).alarm_names == toset([
      "test-shop-rollback-failures", "test-shop-rollback-latency", "test-shop-rollback-unhealthy",
    ])
    error_message = "ECS watches all three."
  }

  assert {
    condition = alltrue([
      for alarm in concat(aws_cloudwatch_metric_alarm.rollback_failures, aws_cloudwatch_metric_alarm.rollback_latency, aws_cloudwatch_metric_alarm.rollback_unhealthy) :
      alarm.treat_missing_data == "notBreaching" && alarm.evaluation_periods <= 5 && alarm.datapoints_to_alarm >= 2 && alarm.alarm_actions == null
    ])
    error_message = "Missing data is OK, an alarm takes two to five minutes, and it notifies nobody."
  }

  assert {
    condition = alltrue([
      for alarm in concat(aws_cloudwatch_metric_alarm.rollback_latency, aws_cloudwatch_metric_alarm.rollback_unhealthy) :
      alarm.period == 60 && alarm.dimensions == tomap({ LoadBalancer = "app/a/1", TargetGroup = "targetgroup/a/1" })
    ])
    error_message = "They look at this service's targets, minute by minute."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.rollback_failures[0].threshold == 2 && one([for query in aws_cloudwatch_metric_alarm.rollback_failures[0].metric_query : query.expression if query.id == "percent"]) == "IF(FILL(gateway, 0) + FILL(target, 0) + FILL(timeout, 0) >= 5, 100 * (FILL(gateway, 0) + FILL(target, 0) + FILL(timeout, 0)) / (FILL(requests, 0) + FILL(gateway, 0) + FILL(timeout, 0)), 0)"
    error_message = "A percentage of all requests, with a minimum number of failures."
  }

  assert {
    condition     = !contains([for query in aws_cloudwatch_metric_alarm.rollback_failures[0].metric_query : one(query.metric[*].metric_name)], "HTTPCode_ELB_503_Count")
    error_message = "The 503 of a load balancer without targets must not count: a first deployment has none for a while."
  }

  assert {
    condition     = one(aws_ecs_task_definition.this.runtime_platform).cpu_architecture == "X86_64"
    error_message = "The architecture can be chosen."
  }
}

# The provider does not switch alarms off when the block is removed, so the block must stay.
run "disabled_alarms_stay_in_the_service" {
  command = plan

  variables {
    rollback_alarms = { enabled = false }
  }

  assert {
    condition     = !one(aws_ecs_service.this.alarms).enable && length(one(aws_ecs_service.this.alarms).alarm_names) == 3
    error_message = "The alarms block must be there with enable = false."
  }
}

run "a_sidecar_that_leaves_too_little_is_refused" {
  command = plan

  variables {
    cpu             = 256
    memory          = 512
    tracing_sidecar = { image = "c:1", cpu = 64, memory = 320, log_group = { name = "c", arn = "arn:aws:logs:eu-west-1:123456789012:log-group:c" } }
  }

  expect_failures = [var.tracing_sidecar]
}

run "a_sidecar_that_cannot_start_is_refused" {
  command = plan

  variables {
    tracing_sidecar = { image = "c:1", cpu = 64, memory = 128, log_group = { name = "c", arn = "arn:aws:logs:eu-west-1:123456789012:log-group:c" } }
  }

  expect_failures = [var.tracing_sidecar]
}

run "a_drain_longer_than_the_stop_is_refused" {
  command = plan

  variables {
    drain_seconds        = 60
    stop_timeout_seconds = 40
  }

  expect_failures = [aws_ecs_task_definition.this]
}

run "accepting_and_draining_that_together_outlast_the_stop_are_refused" {
  command = plan

  variables {
    drain_accept_seconds = 18
    drain_seconds        = 20
    stop_timeout_seconds = 40
  }

  expect_failures = [aws_ecs_task_definition.this]
}

run "accepting_and_draining_that_fit_are_taken" {
  command = plan

  variables {
    drain_accept_seconds = 17
    drain_seconds        = 20
    stop_timeout_seconds = 40
  }
}

run "a_delay_longer_than_the_drain_is_refused" {
  command = plan

  variables {
    deregistration_delay_seconds = 30
  }

  expect_failures = [aws_lb_target_group.this]
}

run "a_schedule_past_the_bounds_is_refused" {
  command = plan

  variables {
    autoscaling = {
      cpu_percent         = 50
      requests_per_target = 1
      scheduled           = [{ name = "sale", schedule = "cron(0 6 27 11 ? *)", min = 4, max = 400 }]
    }
  }

  expect_failures = [aws_appautoscaling_target.this]
}

run "bad_values_are_refused" {
  command = plan

  variables {
    name              = "a-name-that-is-longer-than-a-load-balancer-holds"
    environment       = { DATABASE_URL = "postgresql://shop:hush@db/shop" }
    container         = { name = "app", image = "shop:latest", port = 3000, user = "0:0" }
    allowed_cidrs     = ["::/0"]
    hidden_paths      = ["/metrics/*"]
    health_check_path = "readyz"
    memory            = 1500
    spot_weight       = 100

    drain_accept_seconds = 0.5
    rollback_alarms      = { error_percent = 0 }
    deployment           = { minimum_percent = 100, maximum_percent = 100 }
    task_count           = { min = 3, max = 2 }
    autoscaling          = { cpu_percent = 50, requests_per_target = 1, scheduled = [{ name = "sale", schedule = "tomorrow", min = 1, max = 2 }] }
  }

  expect_failures = [
    var.name, var.environment, var.container, var.allowed_cidrs, var.hidden_paths, var.health_check_path,
    var.memory, var.spot_weight, var.rollback_alarms, var.deployment, var.task_count, var.autoscaling, var.drain_accept_seconds,
  ]
}
