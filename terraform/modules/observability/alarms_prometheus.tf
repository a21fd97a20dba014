# A dead man's switch. Prometheus has an alert that fires as long as alerts arrive, and Alertmanager sends it here each
# minute. There is no subscriber: CloudWatch counts the messages. If there are none, no other alert of Prometheus arrives
# either, whichever part of the way is broken.
resource "aws_sns_topic" "heartbeat" {
  #checkov:skip=CKV_AWS_26: its messages say that they arrive, and nothing else
  name = "${var.name}-heartbeat"
}

resource "aws_cloudwatch_metric_alarm" "prometheus_heartbeat" {
  alarm_name          = "${var.name}-prometheus-heartbeat"
  alarm_description   = "No heartbeat of Prometheus' alerts for a quarter of an hour: none of its alerts arrives. ${local.runbook}#prometheus-heartbeat"
  namespace           = "AWS/SNS"
  metric_name         = "NumberOfMessagesPublished"
  dimensions          = { TopicName = aws_sns_topic.heartbeat.name }
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 300 # as often as SNS tells CloudWatch
  evaluation_periods  = 3
  treat_missing_data  = "breaching" # silence is what it looks for
  alarm_actions       = local.actions
  ok_actions          = local.actions
}
