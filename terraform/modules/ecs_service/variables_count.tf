variable "task_count" {
  description = "Minimum and maximum number of tasks."
  type = object({
    min = number
    max = number
  })

  validation {
    condition     = var.task_count.min >= 1 && var.task_count.max >= var.task_count.min
    error_message = "task_count must have min >= 1 and max >= min."
  }
}

variable "autoscaling" {
  description = "Autoscaling targets. `scheduled` changes the minimum and maximum at a time, such as for a sale; an apply resets them to task_count, so change task_count too if you apply during a sale. null: no autoscaling."
  type = object({
    cpu_percent         = number
    requests_per_target = number # in a minute
    scheduled = optional(list(object({
      name     = string
      schedule = string # cron(0 6 27 11 ? 2026), or at(...)
      min      = number
      max      = number
    })), [])
  })
  default = null

  validation {
    condition     = var.autoscaling == null || try(var.autoscaling.cpu_percent >= 10 && var.autoscaling.cpu_percent <= 90 && var.autoscaling.requests_per_target >= 1, false)
    error_message = "autoscaling must have cpu_percent from 10 to 90 and requests_per_target of 1 at least."
  }

  validation {
    condition     = alltrue([for action in try(var.autoscaling.scheduled, []) : can(regex("^(cron|rate|at)[(].+[)]$", action.schedule)) && action.min >= 1])
    error_message = "autoscaling.scheduled must have a schedule such as cron(0 6 27 11 ? 2026) or at(2026-11-27T06:00:00), in UTC, and min >= 1."
  }
}

variable "deployment" {
  description = "Bounds of the number of tasks during a deployment, in percent of the desired number."
  type = object({
    minimum_percent = number
    maximum_percent = number
  })
  default = {
    minimum_percent = 100
    maximum_percent = 200
  }

  validation {
    condition     = var.deployment.minimum_percent >= 0 && var.deployment.maximum_percent <= 200 && (var.deployment.minimum_percent < 100 ? var.deployment.maximum_percent >= 100 : var.deployment.maximum_percent > 100)
    error_message = "deployment must leave room to stop a task first (minimum_percent below 100) or to start one first (maximum_percent from 101 to 200)."
  }
}

variable "rollback_alarms" {
  description = <<-TEXT
    Alarms on which ECS rolls a deployment back; null for none. A minute is bad if more than error_percent of its requests
    failed (and at least failed_requests), if p99 exceeded latency_seconds, or if a task failed its health check.
    `enabled = false` keeps the alarms, but ECS ignores them. If tasks do not start, ECS always rolls back.
  TEXT
  type = object({
    enabled         = optional(bool, true)
    error_percent   = optional(number, 5)
    failed_requests = optional(number, 5)
    latency_seconds = optional(number, 1)
  })
  default = null

  validation {
    condition = var.rollback_alarms == null || try(
      var.rollback_alarms.error_percent > 0 && var.rollback_alarms.error_percent < 100 && var.rollback_alarms.failed_requests >= 1 && var.rollback_alarms.latency_seconds > 0,
      false,
    )
    error_message = "rollback_alarms must have error_percent above 0 and below 100, failed_requests of 1 at least, and latency_seconds above 0."
  }
}

variable "spot_weight" {
  description = "Percentage of the tasks above task_count.min that run on FARGATE_SPOT, which AWS may stop at two minutes' notice."
  type        = number
  default     = 0

  validation {
    condition     = var.spot_weight >= 0 && var.spot_weight <= 99
    error_message = "spot_weight must be from 0 to 99: the minimum number of tasks runs on FARGATE, which starts no task with a weight of 0."
  }
}
