# ECS watches these alarms during a deployment and the bake time after it, which ECS derives from their periods. They send
# no notifications; the alarms that do (modules/observability) have stricter thresholds.
# The metrics include the old tasks. Missing data is OK, so that a service without requests can roll out.
locals {
  rollback_alarm_names = concat(
    aws_cloudwatch_metric_alarm.rollback_failures[*].alarm_name,
    aws_cloudwatch_metric_alarm.rollback_latency[*].alarm_name,
    aws_cloudwatch_metric_alarm.rollback_unhealthy[*].alarm_name,
  )

  targets = { LoadBalancer = aws_lb.this.arn_suffix, TargetGroup = aws_lb_target_group.this.arn_suffix }

  # 5xx of the tasks, and the load balancer's 502 and 504: a task refused or broke the connection, or did not respond. Not
  # its 503, which means that there is no task yet.
  failures = {
    target  = { metric = "HTTPCode_Target_5XX_Count", dimensions = local.targets }
    gateway = { metric = "HTTPCode_ELB_502_Count", dimensions = { LoadBalancer = aws_lb.this.arn_suffix } }
    timeout = { metric = "HTTPCode_ELB_504_Count", dimensions = { LoadBalancer = aws_lb.this.arn_suffix } }
  }
  failed = join(" + ", [for id in keys(local.failures) : "FILL(${id}, 0)"])
}

# A percentage with a minimum number: one failure among three requests at night must not roll back.
resource "aws_cloudwatch_metric_alarm" "rollback_failures" {
  count = var.rollback_alarms == null ? 0 : 1

  alarm_name          = "${var.name}-rollback-failures"
  alarm_description   = "More than ${var.rollback_alarms.error_percent} % of the requests to ${var.name} fail: ECS rolls a running deployment back."
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.rollback_alarms.error_percent
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  treat_missing_data  = "notBreaching"

  metric_query {
    id          = "percent"
    label       = "failed requests, percent"
    expression  = "IF(${local.failed} >= ${var.rollback_alarms.failed_requests}, 100 * (${local.failed}) / (FILL(requests, 0) + FILL(gateway, 0) + FILL(timeout, 0)), 0)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = merge(local.failures, { requests = { metric = "RequestCount", dimensions = local.targets } })

    content {
      id = metric_query.key
      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        stat        = "Sum"
        period      = 60
      }
    }
  }
}

# Three of five minutes: the first requests of a task are the slowest.
resource "aws_cloudwatch_metric_alarm" "rollback_latency" {
  count = var.rollback_alarms == null ? 0 : 1

  alarm_name                            = "${var.name}-rollback-latency"
  alarm_description                     = "p99 latency of ${var.name} exceeds ${var.rollback_alarms.latency_seconds} s: ECS rolls a running deployment back."
  namespace                             = "AWS/ApplicationELB"
  metric_name                           = "TargetResponseTime"
  dimensions                            = local.targets
  extended_statistic                    = "p99"
  evaluate_low_sample_count_percentiles = "ignore" # p99 of five requests means nothing
  comparison_operator                   = "GreaterThanThreshold"
  threshold                             = var.rollback_alarms.latency_seconds
  period                                = 60
  evaluation_periods                    = 5
  datapoints_to_alarm                   = 3
  treat_missing_data                    = "notBreaching"
}

# Three of five minutes. ECS replaces an unhealthy task, so there are minutes without one. A task interrupted by Spot is
# unhealthy for a minute or two. A starting or draining task counts as neither healthy nor unhealthy.
resource "aws_cloudwatch_metric_alarm" "rollback_unhealthy" {
  count = var.rollback_alarms == null ? 0 : 1

  alarm_name          = "${var.name}-rollback-unhealthy"
  alarm_description   = "Tasks of ${var.name} fail their health check: ECS rolls a running deployment back."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "UnHealthyHostCount"
  dimensions          = local.targets
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
}
