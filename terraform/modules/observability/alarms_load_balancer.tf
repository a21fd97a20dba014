# The percentage of 5xx, not their number: ten errors are many at night and few in a sale. RequestCount does not include
# requests without a target, so the load balancer's own errors are added to the total.
resource "aws_cloudwatch_metric_alarm" "load_balancer_5xx" {
  for_each = var.services

  alarm_name          = "${var.name}-${each.key}-load-balancer-5xx"
  alarm_description   = "More than ${each.value.error_percent} % of the responses of ${each.key} are 5xx errors. ${local.runbook}#load-balancer-5xx"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.error_percent
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching" # no requests, no errors
  alarm_actions       = local.actions
  ok_actions          = local.actions

  metric_query {
    id          = "percent"
    label       = "5xx responses, percent"
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
  alarm_description                     = "p99 latency of ${each.key} is above ${each.value.latency_seconds} s. ${local.runbook}#load-balancer-latency"
  namespace                             = "AWS/ApplicationELB"
  metric_name                           = "TargetResponseTime"
  dimensions                            = { LoadBalancer = each.value.alb_arn_suffix }
  extended_statistic                    = "p99"
  evaluate_low_sample_count_percentiles = "ignore" # p99 of five requests means nothing
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
  alarm_description   = "Tasks of ${each.key} have failed their health check for three minutes. ${local.runbook}#unhealthy-hosts"
  namespace           = "AWS/ApplicationELB"
  metric_name         = "UnHealthyHostCount"
  dimensions          = { LoadBalancer = each.value.alb_arn_suffix, TargetGroup = each.value.target_group_arn_suffix }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching" # without any task, no_healthy_host fires
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
