# The share of 5xx, not their number: ten errors are much at night and little in a sale. RequestCount leaves out requests
# for which the load balancer found no target, so its own errors are added to the total.
resource "aws_cloudwatch_metric_alarm" "load_balancer_5xx" {
  for_each = var.services

  alarm_name          = "${var.name}-${each.key}-load-balancer-5xx"
  alarm_description   = "More than ${each.value.error_percent} % of ${each.key}'s answers are errors of the server. ${local.runbook}#load-balancer-5xx"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.error_percent
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching" # no requests, no errors
  alarm_actions       = local.actions
  ok_actions          = local.actions

  metric_query {
    id          = "percent"
    label       = "5xx answers, percent"
    expression  = "IF(FILL(requests, 0) + FILL(balancer, 0) >= ${each.value.minimum_requests}, 100 * (FILL(target, 0) + FILL(balancer, 0)) / (FILL(requests, 0) + FILL(balancer, 0)), 0)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = {
      requests = "RequestCount"
      target   = "HTTPCode_Target_5XX_Count"
      balancer = "HTTPCode_ELB_5XX_Count"
    }

    content {
      id = metric_query.key
      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = metric_query.value
        dimensions  = { LoadBalancer = each.value.alb_arn_suffix }
        stat        = "Sum"
        period      = 60
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "load_balancer_latency" {
  for_each = var.services

  alarm_name                            = "${var.name}-${each.key}-load-balancer-latency"
  alarm_description                     = "One in a hundred answers of ${each.key} takes longer than ${each.value.latency_seconds} s. ${local.runbook}#load-balancer-latency"
  namespace                             = "AWS/ApplicationELB"
  metric_name                           = "TargetResponseTime"
  dimensions                            = { LoadBalancer = each.value.alb_arn_suffix }
  extended_statistic                    = "p99"
  evaluate_low_sample_count_percentiles = "ignore" # the slowest of five requests says nothing
  comparison_operator                   = "GreaterThanThreshold"
  threshold                             = each.value.latency_seconds
  period                                = 60
  evaluation_periods                    = 5
  datapoints_to_alarm                   = 4
  treat_missing_data                    = "notBreaching"
  alarm_actions                         = local.actions
  ok_actions                            = local.actions
}

resource "aws_cloudwatch_metric_alarm" "unhealthy_hosts" {
  for_each = var.services

  alarm_name          = "${var.name}-${each.key}-unhealthy-hosts"
  alarm_description   = "Tasks of ${each.key} fail their health check for three minutes. ${local.runbook}#unhealthy-hosts"
  namespace           = "AWS/ApplicationELB"
  metric_name         = "UnHealthyHostCount"
  dimensions          = { LoadBalancer = each.value.alb_arn_suffix, TargetGroup = each.value.target_group_arn_suffix }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching" # without any task the next alarm speaks
  alarm_actions       = local.actions
  ok_actions          = local.actions
}

resource "aws_cloudwatch_metric_alarm" "no_healthy_host" {
  for_each = var.services

  alarm_name          = "${var.name}-${each.key}-no-healthy-host"
  alarm_description   = "No task of ${each.key} is healthy: it is down. ${local.runbook}#no-healthy-host"
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HealthyHostCount"
  dimensions          = { LoadBalancer = each.value.alb_arn_suffix, TargetGroup = each.value.target_group_arn_suffix }
  statistic           = "Maximum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 60
  evaluation_periods  = 2
  treat_missing_data  = "breaching" # a target group without targets reports nothing
  alarm_actions       = local.actions
  ok_actions          = local.actions
}
