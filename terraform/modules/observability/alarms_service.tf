locals {
  # CPU and memory of each service.
  service_alarms = {
    for pair in setproduct(keys(var.services), ["CPU", "Memory"]) :
    "${pair[0]}-${lower(pair[1])}" => { service = var.services[pair[0]], of = pair[0], metric = "${pair[1]}Utilization", what = pair[1] }
  }
}

resource "aws_cloudwatch_metric_alarm" "service" {
  for_each = local.service_alarms

  alarm_name          = "${var.name}-${each.value.of}-service-${lower(each.value.what)}"
  alarm_description   = "${each.value.what} of the tasks of ${each.value.of} has been above 85 % on average for ten minutes: autoscaling does not keep up. ${local.runbook}#service-${lower(each.value.what)}"
  namespace           = "AWS/ECS"
  metric_name         = each.value.metric
  dimensions          = { ClusterName = each.value.service.cluster_name, ServiceName = each.value.service.service_name }
  statistic           = "Average"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 85
  period              = 60
  evaluation_periods  = 10
  treat_missing_data  = "missing"
  alarm_actions       = local.actions
  ok_actions          = local.actions
}

# Compared with ECS' desired count and with the configured minimum: after a mistaken scale-down the desired count is too
# low.
resource "aws_cloudwatch_metric_alarm" "running_tasks" {
  for_each = var.services

  alarm_name          = "${var.name}-${each.key}-running-below-desired"
  alarm_description   = "Fewer tasks of ${each.key} than desired, or than ${each.value.minimum_tasks}, have been running for ten minutes. ${local.runbook}#running-below-desired"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 10          # a deployment that cannot start its tasks is rolled back in that time
  treat_missing_data  = "breaching" # Container Insights reports as long as the service exists
  alarm_actions       = local.actions
  ok_actions          = local.actions

  metric_query {
    id          = "missing"
    label       = "missing tasks"
    expression  = "IF(desired > ${each.value.minimum_tasks}, desired, ${each.value.minimum_tasks}) - running"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { desired = "DesiredTaskCount", running = "RunningTaskCount" }

    content {
      id = metric_query.key
      metric {
        namespace   = "ECS/ContainerInsights"
        metric_name = metric_query.value
        dimensions  = { ClusterName = each.value.cluster_name, ServiceName = each.value.service_name }
        stat        = "Average"
        period      = 60
      }
    }
  }
}
