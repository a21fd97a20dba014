resource "aws_scheduler_schedule_group" "this" {
  count = length(var.schedules) > 0 ? 1 : 0

  name = var.name
}

locals {
  # What EventBridge sends to a Lambda function for a rule with a schedule; Scheduler fills in what is in angle brackets.
  scheduled_event = {
    version     = "0"
    id          = "<aws.scheduler.execution-id>"
    detail-type = "Scheduled Event"
    source      = "aws.events"
    account     = data.aws_caller_identity.current.account_id
    time        = "<aws.scheduler.scheduled-time>"
    region      = var.region
    resources   = ["<aws.scheduler.schedule-arn>"]
    detail      = {}
  }

  # jsonencode writes < and > as \u003c and \u003e, and Scheduler would not find its names.
  events = {
    for name, schedule in var.schedules :
    name => replace(replace(coalesce(schedule.event, jsonencode(local.scheduled_event)), "\\u003c", "<"), "\\u003e", ">")
  }
  inputs = {
    for name, event in local.events :
    name => replace(replace(jsonencode({
      containerOverrides = [{ name = local.container.name, command = ["chalice-fargate", "invoke", coalesce(var.schedules[name].handler, name), "--app", var.app, "--event", event] }]
    }), "\\u003c", "<"), "\\u003e", ">")
  }
}

resource "aws_scheduler_schedule" "this" {
  #checkov:skip=CKV_AWS_297: encrypted with AWS' own key; the input holds no secret
  for_each = var.schedules

  name                         = each.key
  group_name                   = aws_scheduler_schedule_group.this[0].name
  description                  = "Handler ${coalesce(each.value.handler, each.key)} of ${var.name}"
  schedule_expression          = each.value.expression
  schedule_expression_timezone = each.value.timezone
  state                        = each.value.enabled ? "ENABLED" : "DISABLED"

  flexible_time_window {
    mode                      = each.value.flexible_minutes > 0 ? "FLEXIBLE" : "OFF"
    maximum_window_in_minutes = each.value.flexible_minutes > 0 ? each.value.flexible_minutes : null
  }

  target {
    arn      = var.cluster_arn
    role_arn = aws_iam_role.scheduler[0].arn
    input    = local.inputs[each.key]

    ecs_parameters {
      task_definition_arn = aws_ecs_task_definition.this["invoke"].arn
      launch_type         = "FARGATE"

      network_configuration {
        subnets          = var.subnet_ids
        security_groups  = [aws_security_group.this.id]
        assign_public_ip = var.assign_public_ip
      }
    }

    retry_policy {
      maximum_retry_attempts       = 185 # Scheduler's most: the time is the limit
      maximum_event_age_in_seconds = each.value.start_within_seconds
    }

    dead_letter_config {
      arn = aws_sqs_queue.failed_runs[0].arn
    }
  }

  lifecycle {
    precondition {
      condition     = length(local.inputs[each.key]) <= 8192
      error_message = "The event of schedule ${each.key} is too long: ECS takes 8,192 characters for the overrides of a task, and these are ${length(local.inputs[each.key])}."
    }
  }

  depends_on = [aws_iam_role_policy.scheduler, aws_iam_role_policy.execution, aws_iam_role_policy.task]
}
