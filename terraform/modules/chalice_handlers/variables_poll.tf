variable "queues" {
  description = <<-TEXT
    All queues that the app's handlers have, by a name of your choice. None: nothing is consumed.
    handler: the handler that gets the messages, if its decorator does not name the queue (topics and buckets).
    late_seconds: the age of the oldest message at which tasks are added. It counts from sending, so it must be longer
    than a batch takes.
    max_receive_count: makes a dead letter queue, for messages that were received so often. null: the queue has one.
    kms_key_arn: the customer managed key with which the queue is encrypted.
  TEXT
  type = map(object({
    arn               = string
    handler           = optional(string)
    late_seconds      = optional(number, 60)
    max_receive_count = optional(number)
    kms_key_arn       = optional(string)
  }))
  default = {}

  validation {
    condition     = alltrue([for key in keys(var.queues) : can(regex("^[a-z][a-z0-9-]{0,19}$", key))])
    error_message = "The keys of queues must be at most 20 lower-case letters, digits and hyphens."
  }

  validation {
    condition     = alltrue([for queue in var.queues : can(regex("^arn:[a-z-]+:sqs:${var.region}:[0-9]{12}:[^:]+$", queue.arn))])
    error_message = "The arn of each of queues must be that of a queue in ${var.region}: only there CloudWatch knows its age."
  }

  validation {
    condition     = length(var.queues) <= 10
    error_message = "queues must be ten at most: an alarm compares no more. Divide the app."
  }

  validation {
    condition     = alltrue([for queue in var.queues : queue.late_seconds >= 10])
    error_message = "late_seconds of queues must be 10 or more."
  }

  validation {
    condition     = alltrue([for queue in var.queues : queue.max_receive_count == null || try(queue.max_receive_count >= 1 && queue.max_receive_count <= 1000, false)])
    error_message = "max_receive_count of queues must lie between 1 and 1000, SQS' limits."
  }
}

variable "poll" {
  description = <<-TEXT
    The service that consumes the queues.
    tasks: the least and the most. A minimum of 0 saves the task of an idle queue, and the first message then waits for
    minutes (README.md).
    drain_seconds: how long a batch may take to finish after SIGTERM.
    permissions: what the handlers of the queues need, by sid.
  TEXT
  type = object({
    cpu           = optional(number, 256)
    memory        = optional(number, 512)
    tasks         = optional(object({ min = number, max = number }), { min = 1, max = 4 })
    drain_seconds = optional(number, 50)
    permissions = optional(map(object({
      actions   = list(string)
      resources = list(string)
    })), {})
  })
  default = {}

  validation {
    condition     = var.poll.tasks.min >= 0 && var.poll.tasks.max >= max(var.poll.tasks.min, 1)
    error_message = "poll.tasks must have min >= 0 and max >= min, and max >= 1."
  }

  validation {
    condition     = var.poll.drain_seconds >= 1 && var.poll.drain_seconds <= 110
    error_message = "poll.drain_seconds must lie between 1 and 110: Fargate kills a task 120 s after SIGTERM."
  }

  validation {
    condition     = alltrue(flatten([for permission in var.poll.permissions : [for action in permission.actions : can(regex("^[a-z0-9-]+:[A-Za-z]+$", action))]]))
    error_message = "poll.permissions must name complete actions, such as sns:Publish, without wildcards."
  }
}
