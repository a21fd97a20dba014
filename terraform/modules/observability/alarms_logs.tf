# Logged errors, which do not all cause a 5xx. The log class Infrequent Access has no metric filters, so no such alarm.
resource "aws_cloudwatch_metric_alarm" "errors_logged" {
  count = local.app_is_infrequent ? 0 : 1

  alarm_name          = "${var.name}-errors-logged"
  alarm_description   = "The application logs more than 5 errors a minute. ${local.runbook}#errors-logged"
  namespace           = aws_cloudwatch_log_metric_filter.app["errors"].metric_transformation[0].namespace
  metric_name         = aws_cloudwatch_log_metric_filter.app["errors"].metric_transformation[0].name
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 5
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.actions
  ok_actions          = local.actions
}

moved {
  from = aws_cloudwatch_metric_alarm.errors_logged
  to   = aws_cloudwatch_metric_alarm.errors_logged[0]
}
