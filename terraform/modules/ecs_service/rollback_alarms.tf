# What a deployment is judged by, while it runs and for the bake time after it, which ECS reckons from these periods. They
# call nobody: the alarms that do (modules/observability) are stricter, a reason to look and none to go back.
# The old tasks answer too, so a threshold is what all tasks together may not pass. Missing data is well: a service
# without requests rolls out, and a new alarm begins as OK or with too little data, which ECS does not take for ALARM.
locals {
  rollback_alarm_names = concat(
    aws_cloudwatch_metric_alarm.rollback_failures[*].alarm_name,
    aws_cloudwatch_metric_alarm.rollback_latency[*].alarm_name,
    aws_cloudwatch_metric_alarm.rollback_unhealthy[*].alarm_name,
  )

  targets = { LoadBalancer = aws_lb.this.arn_suffix, TargetGroup = aws_lb_target_group.this.arn_suffix }

  # The tasks' own 5xx, and the load balancer's for a connection that a task refused, broke or left without an answer. Its
  # 503 is not among them: that is said where there is no task yet.
  failures = {
    target  = { metric = "HTTPCode_Target_5XX_Count", dimensions = local.targets }
    gateway = { metric = "HTTPCode_ELB_502_Count", dimensions = { LoadBalancer = aws_lb.this.arn_suffix } }
    timeout = { metric = "HTTPCode_ELB_504_Count", dimensions = { LoadBalancer = aws_lb.this.arn_suffix } }
  }
  failed = join(" + ", [for id in keys(local.failures) : "FILL(${id}, 0)"])
}

# A share, and a number beside it: one failure of three requests at night takes no version back, five in a minute do.
resource "aws_cloudwatch_metric_alarm" "rollback_failures" {
  count = var.rollback_alarms == null ? 0 : 1

  alarm_name          = "${var.name}-rollback-failures"
  alarm_description   = "More than ${var.rollback_alarms.error_percent} % of the answers of ${var.name} fail: ECS takes a running deployment back."
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.rollback_alarms.error_percent
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  treat_missing_data  = "notBreaching"

  metric_query {
    id          = "percent"
    label       = "failed answers, percent"
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

# Three minutes of five: a task's first requests are its slowest.
resource "aws_cloudwatch_metric_alarm" "rollback_latency" {
  count = var.rollback_alarms == null ? 0 : 1

  alarm_name                            = "${var.name}-rollback-latency"
  alarm_description                     = "One in a hundred answers of ${var.name} takes longer than ${var.rollback_alarms.latency_seconds} s: ECS takes a running deployment back."
  namespace                             = "AWS/ApplicationELB"
  metric_name                           = "TargetResponseTime"
  dimensions                            = local.targets
  extended_statistic                    = "p99"
  evaluate_low_sample_count_percentiles = "ignore" # the slowest of five requests says nothing
  comparison_operator                   = "GreaterThanThreshold"
  threshold                             = var.rollback_alarms.latency_seconds
  period                                = 60
  evaluation_periods                    = 5
  datapoints_to_alarm                   = 3
  treat_missing_data                    = "notBreaching"
}

# Three minutes of five: ECS replaces an unhealthy task, and between it and the next none is unhealthy; one that Spot takes
# away is unhealthy for a minute or two. A task that starts or drains is neither well nor unhealthy.
resource "aws_cloudwatch_metric_alarm" "rollback_unhealthy" {
  count = var.rollback_alarms == null ? 0 : 1

  alarm_name          = "${var.name}-rollback-unhealthy"
  alarm_description   = "Tasks of ${var.name} fail their health check: ECS takes a running deployment back."
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
