mock_provider "aws" {}

variables {
  name          = "test-shop"
  region        = "eu-west-1"
  sns_topic_arn = "arn:aws:sns:eu-west-1:123456789012:on-call"

  services = {
    app = {
      alb_arn_suffix          = "app/test-shop/1"
      target_group_arn_suffix = "targetgroup/test-shop/1"
      cluster_name            = "test-shop"
      service_name            = "test-shop"
      minimum_tasks           = 2
    }
    prometheus = {
      alb_arn_suffix          = "app/test-shop-prometheus/1"
      target_group_arn_suffix = "targetgroup/test-shop-prometheus/1"
      cluster_name            = "test-shop"
      service_name            = "test-shop-prometheus"
      minimum_tasks           = 1
      latency_seconds         = 5
    }
  }

  database = {
    identifier          = "test-shop"
    burstable           = true
    max_connections     = 100
    storage_gib         = 20
    replica_identifiers = ["test-shop-replica"]
  }

  cache = {
    replication_group_id = "test-shop"
    member_cluster_ids   = ["test-shop-001", "test-shop-002"]
  }
}

run "everything" {
  command = apply

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.this : group.retention_in_days == 30])
    error_message = "Every log group must have a retention."
  }

  assert {
    condition     = { for writer, group in output.log_groups : writer => group.name } == { app = "/ecs/test-shop/app", prometheus = "/ecs/test-shop/prometheus", collector = "/ecs/test-shop/collector" }
    error_message = "A log group must have the name of the program that writes to it."
  }

  assert {
    condition = alltrue(flatten([
      for alarms in [
        aws_cloudwatch_metric_alarm.load_balancer_5xx, aws_cloudwatch_metric_alarm.load_balancer_latency,
        aws_cloudwatch_metric_alarm.unhealthy_hosts, aws_cloudwatch_metric_alarm.no_healthy_host,
        aws_cloudwatch_metric_alarm.service, aws_cloudwatch_metric_alarm.running_tasks,
        aws_cloudwatch_metric_alarm.database, aws_cloudwatch_metric_alarm.database_replica_lag,
        aws_cloudwatch_metric_alarm.cache, aws_cloudwatch_metric_alarm.cache_cpu,
        { one = aws_cloudwatch_metric_alarm.cache_failover, two = aws_cloudwatch_metric_alarm.errors_logged[0] },
        { one = aws_cloudwatch_metric_alarm.prometheus_heartbeat },
        ] : [
        for alarm in alarms : alarm.alarm_actions == toset([var.sns_topic_arn]) && alarm.ok_actions == toset([var.sns_topic_arn])
        && startswith(alarm.alarm_name, "test-shop-") && strcontains(alarm.alarm_description, "docs/runbook.md#")
      ]
    ]))
    error_message = "Every alarm must notify the topic when it fires and when it is over, and link to the runbook."
  }

  assert {
    condition     = length(local.alarm_arns) == 2 * 7 + 5 + 1 + 2 * 5 + 1 + 1 + 1
    error_message = "The dashboard must show every alarm: of two services, the database, its replica, two nodes, the failover, the log, the heartbeat."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.prometheus_heartbeat.treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.prometheus_heartbeat.dimensions == tomap({ TopicName = "test-shop-heartbeat" })
    error_message = "A missing heartbeat must be an alarm, also without data."
  }

  assert {
    condition     = aws_cloudwatch_dashboard.this.dashboard_name == "test-shop" && length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == 18
    error_message = "The dashboard must show the alarms, four charts for each service, eight for the stores and logs, and the latest errors."
  }
}

run "lines_count_for_as_many_requests_as_their_weight_says" {
  command = plan

  assert {
    condition     = { for name, filter in aws_cloudwatch_log_metric_filter.app : name => filter.metric_transformation[0].value } == { errors = "1", refused = "1", hits = "$.weight", misses = "$.weight", bypass = "$.weight" }
    error_message = "Each error and each refusal has its own line; a line of a success may count for many."
  }

  assert {
    condition     = alltrue([for filter in aws_cloudwatch_log_metric_filter.app : strcontains(filter.pattern, "$.weight = *") if filter.metric_transformation[0].value == "$.weight"])
    error_message = "CloudWatch takes a value only from a field in the pattern."
  }
}

run "the_infrequent_class_has_no_metric_filters_and_what_needs_them" {
  command = apply

  variables {
    app_log_group_class = "INFREQUENT_ACCESS"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this["app"].log_group_class == "INFREQUENT_ACCESS" && aws_cloudwatch_log_group.this["app"].name == "/ecs/test-shop/app-infrequent"
    error_message = "Each class needs a log group with its own name."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this["prometheus"].name == "/ecs/test-shop/prometheus" && aws_cloudwatch_log_group.this["collector"].name == "/ecs/test-shop/collector"
    error_message = "The other log groups stay STANDARD."
  }

  assert {
    condition     = length(aws_cloudwatch_log_metric_filter.app) == 0 && length(aws_cloudwatch_metric_alarm.errors_logged) == 0
    error_message = "AWS refuses metric filters of such a group; an alarm without one would never fire."
  }

  assert {
    condition     = length(local.alarm_arns) == 2 * 7 + 5 + 1 + 2 * 5 + 1 + 1 && length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == 16
    error_message = "The dashboard shows neither that alarm nor the two charts."
  }

  assert {
    condition     = alltrue([for query in aws_cloudwatch_query_definition.this : query.log_group_names == tolist(["/ecs/test-shop/app-infrequent"])])
    error_message = "Queries must use the application's log group."
  }
}

run "thresholds_follow_what_is_watched" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.database["connections"].threshold == 80
    error_message = "80 % of the connections that the database accepts."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.database["storage"].threshold == 2 * 1024 * 1024 * 1024
    error_message = "A tenth of the storage, in bytes."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.load_balancer_latency["app"].threshold == 0.5 && aws_cloudwatch_metric_alarm.load_balancer_latency["prometheus"].threshold == 5
    error_message = "Each service has its own latency threshold."
  }

  assert {
    condition     = one([for query in aws_cloudwatch_metric_alarm.running_tasks["app"].metric_query : query.expression if query.id == "missing"]) == "IF(desired > 2, desired, 2) - running"
    error_message = "Tasks are missing below what is desired, and below the minimum."
  }

  assert {
    condition     = toset([for query in aws_cloudwatch_metric_alarm.cache_failover.metric_query : query.metric[0].dimensions.CacheClusterId if length(query.metric) > 0]) == toset(var.cache.member_cluster_ids)
    error_message = "A failover is seen on any node."
  }
}

run "only_burstable_classes_have_credits" {
  command = plan

  variables {
    database = { identifier = "test-shop", burstable = false, max_connections = 100, storage_gib = 20 }
  }

  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.database), "credits") && length(aws_cloudwatch_metric_alarm.database_replica_lag) == 0
    error_message = "A class without credits, without replicas, has neither alarm."
  }
}

run "every_query_file_is_installed" {
  command = plan

  assert {
    condition     = toset([for query in aws_cloudwatch_query_definition.this : query.name]) == toset([for file in fileset("queries", "*.query") : "test-shop/${trimsuffix(file, ".query")}"])
    error_message = "A query file is missing, or named otherwise."
  }

  assert {
    condition     = alltrue([for query in aws_cloudwatch_query_definition.this : query.log_group_names == tolist(["/ecs/test-shop/app"]) && query.query_string != ""])
    error_message = "Every saved query must use the application's log group."
  }
}

run "refuses_what_cannot_be" {
  command = plan

  variables {
    name               = "Shop_1"
    region             = "Ireland"
    sns_topic_arn      = "on-call"
    log_retention_days = 0

    app_log_group_class = "DELIVERY"

    services = {
      app = {
        alb_arn_suffix = "a", target_group_arn_suffix = "t", cluster_name = "c", service_name = "s", minimum_tasks = 0
      }
    }
    database = { identifier = "d", burstable = false, max_connections = 0, storage_gib = 20 }
    cache    = { replication_group_id = "c", member_cluster_ids = [for number in range(10) : "c-${number}"] }
  }

  expect_failures = [
    var.name, var.region, var.sns_topic_arn, var.log_retention_days, var.services, var.database, var.cache,
    var.app_log_group_class,
  ]
}
