# The age of each queue's oldest message is compared with its late_seconds; the alarms see the largest of the quotients.
locals {
  ages     = { for key, queue in var.queues : "age_${replace(key, "-", "_")}" => queue }
  quotient = join(", ", [for id in sort(keys(local.ages)) : "${id} / ${local.ages[id].late_seconds}"])

  age_alarms = merge(
    !local.scales ? {} : {
      late = {
        comparison = "GreaterThanOrEqualToThreshold", times = 1, minutes = 1
        sentence   = "A message is older than late_seconds: tasks are added"
        actions    = [aws_appautoscaling_policy.poll["out"].arn], notifies = false
      }
      idle = {
        comparison = "LessThanThreshold", times = 0.5, minutes = 10
        sentence   = "No message was older than half of late_seconds for ten minutes: a task is removed"
        actions    = [aws_appautoscaling_policy.poll["in"].arn], notifies = false
      }
    },
    length(var.queues) == 0 ? {} : {
      behind = {
        comparison = "GreaterThanOrEqualToThreshold", times = 10, minutes = 15
        sentence   = "A message is older than ten times late_seconds: the queue is not consumed, or the maximum of tasks is too low"
        actions    = var.alarm_topic_arns, notifies = true
      }
    },
  )
}

resource "aws_cloudwatch_metric_alarm" "age" {
  for_each = local.age_alarms

  alarm_name          = "${var.name}-poll-${each.key}"
  alarm_description   = each.value.sentence
  comparison_operator = each.value.comparison
  threshold           = each.value.times
  evaluation_periods  = each.value.minutes
  treat_missing_data  = each.key == "idle" ? "breaching" : "notBreaching" # an empty queue has no age
  alarm_actions       = each.value.actions
  ok_actions          = each.value.notifies ? each.value.actions : []

  metric_query {
    id          = "lateness"
    label       = "Oldest message, in times of late_seconds"
    expression  = length(var.queues) == 1 ? local.quotient : "MAX([${local.quotient}])"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = local.ages

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/SQS"
        metric_name = "ApproximateAgeOfOldestMessage"
        dimensions  = { QueueName = split(":", metric_query.value.arn)[5] }
        stat        = "Maximum"
        period      = 60
      }
    }
  }
}
