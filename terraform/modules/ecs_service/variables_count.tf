variable "task_count" {
  description = "How many tasks there are, at the least and at the most."
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
  description = "What the number of tasks follows; `scheduled` moves its bounds, for a sale. null: it stays at the least."
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
}

variable "deployment" {
  description = "How many tasks, in percent of those that should run, may run during a deployment."
  type = object({
    minimum_percent = number
    maximum_percent = number
  })
  default = {
    minimum_percent = 100
    maximum_percent = 200
  }
}

variable "spot_weight" {
  description = "Of 100 tasks beyond the least, how many run on FARGATE_SPOT, which may be taken away at two minutes' notice."
  type        = number
  default     = 0

  validation {
    condition     = var.spot_weight >= 0 && var.spot_weight <= 100
    error_message = "spot_weight must lie between 0 and 100."
  }
}
