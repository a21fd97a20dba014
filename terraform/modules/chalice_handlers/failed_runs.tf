# Runs that Scheduler could not start, as their input; and tasks that were started and failed, as ECS' event, which
# has the command. Scheduler knows nothing of the latter.
resource "aws_sqs_queue" "failed_runs" {
  count = length(var.schedules) > 0 ? 1 : 0

  name                      = "${var.name}-failed-runs"
  message_retention_seconds = 14 * 24 * 3600 # the longest
  sqs_managed_sse_enabled   = true
}

resource "aws_cloudwatch_event_rule" "failed_run" {
  count = length(var.schedules) > 0 ? 1 : 0

  name        = "${var.name}-failed-run"
  description = "A task of ${var.name}-invoke did not end with exit status 0"
  event_pattern = jsonencode({
    source      = ["aws.ecs"]
    detail-type = ["ECS Task State Change"]
    detail = {
      clusterArn        = [var.cluster_arn]
      taskDefinitionArn = [{ prefix = "${aws_ecs_task_definition.this["invoke"].arn_without_revision}:" }]
      lastStatus        = ["STOPPED"]
      "$or" = [
        { containers = { exitCode = [{ anything-but = [0] }] } },
        { stopCode = ["TaskFailedToStart"] }, # such as an image that is not there: no container, no status
      ]
    }
  })
}

resource "aws_cloudwatch_event_target" "failed_run" {
  count = length(var.schedules) > 0 ? 1 : 0

  rule = aws_cloudwatch_event_rule.failed_run[0].name
  arn  = aws_sqs_queue.failed_runs[0].arn
}

resource "aws_sqs_queue_policy" "failed_runs" {
  count = length(var.schedules) > 0 ? 1 : 0

  queue_url = aws_sqs_queue.failed_runs[0].url
  policy    = data.aws_iam_policy_document.failed_runs[0].json
}

data "aws_iam_policy_document" "failed_runs" {
  count = length(var.schedules) > 0 ? 1 : 0

  statement {
    sid       = "EventsOfFailedTasks"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.failed_runs[0].arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.failed_run[0].arn]
    }
  }
}
