locals {
  redriven = { for key, queue in var.queues : key => queue if queue.max_receive_count != null }
}

data "aws_sqs_queue" "redriven" {
  for_each = local.redriven

  name = split(":", each.value.arn)[5]
}

resource "aws_sqs_queue" "dead_letters" {
  for_each = local.redriven

  name                      = "${var.name}-${each.key}-dead-letters${endswith(each.value.arn, ".fifo") ? ".fifo" : ""}"
  fifo_queue                = endswith(each.value.arn, ".fifo")
  message_retention_seconds = 14 * 24 * 3600 # the longest
  sqs_managed_sse_enabled   = each.value.kms_key_arn == null ? true : null
  kms_master_key_id         = each.value.kms_key_arn
}

resource "aws_sqs_queue_redrive_policy" "this" {
  for_each = local.redriven

  queue_url = data.aws_sqs_queue.redriven[each.key].url
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters[each.key].arn
    maxReceiveCount     = each.value.max_receive_count
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "this" {
  for_each = local.redriven

  queue_url = aws_sqs_queue.dead_letters[each.key].url
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [each.value.arn]
  })
}

locals {
  # Queues that are empty as long as all is well.
  failures = merge(
    { for key in keys(local.redriven) : "${key}-dead-letters" => {
      queue    = aws_sqs_queue.dead_letters[key].name
      sentence = "Messages of ${key} were not handled, and are in the dead letter queue"
    } },
    { for queue in aws_sqs_queue.failed_runs : "failed-runs" => {
      queue    = queue.name
      sentence = "Runs of schedules failed or were not started"
    } },
  )
}

resource "aws_cloudwatch_metric_alarm" "failures" {
  for_each = local.failures

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.sentence
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = each.value.queue }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
}
