# By steps and not by target tracking: that expects a metric that halves when tasks are doubled. An age goes on growing
# until the backlog is gone, so the number of tasks would be at its maximum within minutes of any delay.
resource "aws_appautoscaling_target" "poll" {
  count = length(var.queues) > 0 ? 1 : 0

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${split("/", var.cluster_arn)[1]}/${aws_ecs_service.poll[0].name}"
  min_capacity       = var.poll.tasks.min
  max_capacity       = var.poll.tasks.max
}

locals {
  scales = length(var.queues) > 0 && var.poll.tasks.max > var.poll.tasks.min

  # The bounds count from the alarm's threshold, in times of late_seconds: late is from 1, very late from 4.
  steps = {
    out = {
      cooldown = 120 # a task needs a minute to start, and CloudWatch another one to know
      changes = [
        { from = 0, to = 3, tasks = 1 },
        { from = 3, to = null, tasks = max(1, ceil(var.poll.tasks.max / 3)) },
      ]
    }
    in = {
      cooldown = 300
      changes  = [{ from = null, to = 0, tasks = -1 }]
    }
  }
}

resource "aws_appautoscaling_policy" "poll" {
  for_each = local.scales ? local.steps : {}

  name               = "${var.name}-poll-${each.key}"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.poll[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.poll[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.poll[0].resource_id

  step_scaling_policy_configuration {
    adjustment_type         = "ChangeInCapacity" # a percentage of no task would be none
    metric_aggregation_type = "Maximum"
    cooldown                = each.value.cooldown

    dynamic "step_adjustment" {
      for_each = each.value.changes

      content {
        metric_interval_lower_bound = step_adjustment.value.from
        metric_interval_upper_bound = step_adjustment.value.to
        scaling_adjustment          = step_adjustment.value.tasks
      }
    }
  }
}
