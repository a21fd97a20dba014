variable "image" {
  description = "The app's image, with chalice-fargate[poll]. It needs no entry point: each task has a command."
  type        = string

  validation {
    condition     = !endswith(var.image, ":latest") && strcontains(var.image, ":")
    error_message = "image must have a tag other than latest: each version needs its own tag."
  }
}

variable "user" {
  description = "The container's uid:gid; chalice-fargate dockerfile makes images for this one."
  type        = string
  default     = "10001:10001"

  validation {
    condition     = can(regex("^[1-9][0-9]*:[1-9][0-9]*$", var.user))
    error_message = "user must be uid:gid in numbers, and not root."
  }
}

variable "cpu_architecture" {
  description = "ARM64 (Graviton) or X86_64; the image must support it."
  type        = string
  default     = "ARM64"
}

variable "app" {
  description = "MODULE:ATTRIBUTE of the app."
  type        = string
  default     = "app:app"
}

variable "stage" {
  description = "Stage of .chalice/config.json."
  type        = string
  default     = "dev"
}

variable "writable_root_filesystem" {
  description = "Let handlers write files, such as to /tmp, as on Lambda. A task's files end with it."
  type        = bool
  default     = false
}

variable "environment" {
  description = "Environment variables without secrets, of all tasks. They beat those of the stage."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name, value in var.environment : !can(regex("(PASSWORD|TOKEN)$|^API_KEYS$", name)) && !can(regex("://[^/@]*:[^/@]+@", value))])
    error_message = "environment must not contain a secret: use secrets."
  }

  validation {
    condition     = length(setintersection(keys(var.environment), ["CHALICE_STAGE", "DRAIN_SECONDS", "METRICS_PORT", "POLL_QUEUES", "PORT"])) == 0
    error_message = "environment must not set CHALICE_STAGE, DRAIN_SECONDS, METRICS_PORT, POLL_QUEUES or PORT: stage, poll and queues say what these are."
  }
}

variable "secrets" {
  description = "Environment variables that ECS reads from Secrets Manager when a task starts: name to ARN."
  type        = map(string)
  default     = {}
}
