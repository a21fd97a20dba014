# One page for the whole service: the state of every alarm, charts in rows of four, the latest errors.
locals {
  alarm_arns = concat(
    values(aws_cloudwatch_metric_alarm.load_balancer_5xx)[*].arn,
    values(aws_cloudwatch_metric_alarm.load_balancer_latency)[*].arn,
    values(aws_cloudwatch_metric_alarm.unhealthy_hosts)[*].arn,
    values(aws_cloudwatch_metric_alarm.no_healthy_host)[*].arn,
    values(aws_cloudwatch_metric_alarm.service)[*].arn,
    values(aws_cloudwatch_metric_alarm.running_tasks)[*].arn,
    values(aws_cloudwatch_metric_alarm.database)[*].arn,
    values(aws_cloudwatch_metric_alarm.database_replica_lag)[*].arn,
    values(aws_cloudwatch_metric_alarm.cache)[*].arn,
    values(aws_cloudwatch_metric_alarm.cache_cpu)[*].arn,
    [aws_cloudwatch_metric_alarm.cache_failover.arn],
    aws_cloudwatch_metric_alarm.errors_logged[*].arn,
    [aws_cloudwatch_metric_alarm.prometheus_heartbeat.arn],
  )

  alarms_height = 4
  chart         = { width = 6, height = 6, in_a_row = 4 }
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = concat(
      [{
        type       = "alarm"
        x          = 0
        y          = 0
        width      = local.chart.width * local.chart.in_a_row
        height     = local.alarms_height
        properties = { title = "Alarms", alarms = local.alarm_arns }
      }],
      [for place, chart in local.charts : {
        type   = "metric"
        x      = local.chart.width * (place % local.chart.in_a_row)
        y      = local.alarms_height + local.chart.height * floor(place / local.chart.in_a_row)
        width  = local.chart.width
        height = local.chart.height
        properties = {
          title       = chart.title
          region      = var.region
          view        = "timeSeries"
          period      = 60
          yAxis       = { left = { min = 0 } }
          metrics     = chart.metrics
          annotations = { horizontal = [for limit in chart.limit[*] : { value = limit, label = "alarm", color = "#d62728" }] }
        }
      }],
      [{
        type   = "log"
        x      = 0
        y      = local.alarms_height + local.chart.height * ceil(length(local.charts) / local.chart.in_a_row)
        width  = local.chart.width * local.chart.in_a_row
        height = local.chart.height
        properties = {
          title  = "Latest errors"
          region = var.region
          view   = "table"
          query  = "SOURCE '${aws_cloudwatch_log_group.this["app"].name}' | fields @timestamp, message, exception_name, correlation_id, xray_trace_id | filter level in ['ERROR', 'CRITICAL'] | sort @timestamp desc | limit 20"
        }
      }],
    )
  })
}
