variable "schedules" {
  description = <<-TEXT
    What EventBridge Scheduler starts, by a name of your choice.
    handler: the handler's name in Chalice. null: the schedule has that name.
    expression: cron(...), rate(...) or at(...), in `timezone`.
    event: a JSON object or array, for a handler other than a schedule. Scheduler replaces <aws.scheduler.scheduled-time> in it, and the like.
    null: EventBridge's Scheduled Event with the time that was planned.
    flexible_minutes: start at any time within so many minutes, to spread load. 0: on time.
    start_within_seconds: how long Scheduler tries to start a task, if ECS refuses. Then the run is in the queue of failed runs.
  TEXT
  type = map(object({
    expression           = string
    timezone             = optional(string, "UTC")
    handler              = optional(string)
    event                = optional(string)
    flexible_minutes     = optional(number, 0)
    start_within_seconds = optional(number, 3600)
    enabled              = optional(bool, true)
  }))
  default = {}

  validation {
    condition     = alltrue([for key in keys(var.schedules) : can(regex("^[A-Za-z0-9_.-]{1,64}$", key))])
    error_message = "The keys of schedules must be at most 64 letters, digits, hyphens, dots and underscores."
  }

  validation {
    condition     = alltrue([for schedule in var.schedules : can(regex("^(cron|rate|at)[(].+[)]$", schedule.expression))])
    error_message = "The expression of each of schedules must be cron(...), rate(...) or at(...)."
  }

  validation {
    condition     = alltrue([for schedule in var.schedules : schedule.event == null || can(regex("^[{[]", jsonencode(jsondecode(schedule.event))))])
    error_message = "The event of schedules must be a JSON object or array."
  }

  validation {
    condition     = alltrue([for schedule in var.schedules : schedule.flexible_minutes >= 0 && schedule.flexible_minutes <= 1440 && schedule.start_within_seconds >= 60 && schedule.start_within_seconds <= 86400])
    error_message = "schedules must have flexible_minutes from 0 to 1440, and start_within_seconds from 60 to 86400: Scheduler's limits."
  }
}

variable "invoke" {
  description = "The tasks of the schedules: their size, and what their handlers need, by sid."
  type = object({
    cpu    = optional(number, 256)
    memory = optional(number, 512)
    permissions = optional(map(object({
      actions   = list(string)
      resources = list(string)
    })), {})
  })
  default = {}

  validation {
    condition     = alltrue(flatten([for permission in var.invoke.permissions : [for action in permission.actions : can(regex("^[a-z0-9-]+:[A-Za-z]+$", action))]]))
    error_message = "invoke.permissions must name complete actions, such as sns:Publish, without wildcards."
  }
}
