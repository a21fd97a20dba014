# A dead man's switch. Prometheus has an alert that always fires, and Alertmanager publishes it to this topic every minute.
# The topic has no subscriber: CloudWatch counts the messages. If none arrive, no other alert of Prometheus arrives either.
resource "aws_sns_topic" "heartbeat" {
  #checkov:skip=CKV_AWS_26: its messages have no content
  name = "${var.name}-heartbeat"
}

resource "aws_cloudwatch_metric_alarm" "prometheus_heartbeat" {
  alarm_name          = "${var.name}-prometheus-heartbeat"
  alarm_description   = "No heartbeat from Prometheus for 15 minutes: its alerts do not arrive. ${local.runbook}#prometheus-heartbeat"
  namespace           = "AWS/SNS"
  metric_name         = "NumberOfMessagesPublished"
  dimensions          = { TopicName = aws_sns_topic.heartbeat.name }
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 300 # SNS reports metrics every five minutes
  evaluation_periods  = 3
  treat_missing_data  = "breaching" # no messages, no data
  alarm_actions       = local.actions
  ok_actions          = local.actions
}
