variable "name" {
  description = "Family of the task definition and prefix of what belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,58}$", var.name))
    error_message = "name must be at most 59 lower-case letters, digits and hyphens: its role's name, with -task, holds 64."
  }
}

variable "region" {
  description = "Where its log lines go."
  type        = string
}

variable "log_group_name" {
  description = "Where its container writes."
  type        = string
}

variable "execution_role_arn" {
  description = "Who starts the task: may fetch its image, and write to its log group."
  type        = string
}

variable "container" {
  description = "The container: `user` is uid:gid, `command` in exec form."
  type = object({
    name    = string
    image   = string
    user    = string
    command = list(string)
  })

  validation {
    condition     = can(regex("^[1-9][0-9]*:[1-9][0-9]*$", var.container.user))
    error_message = "container.user must be uid:gid in numbers, and not root."
  }

  validation {
    condition     = length(var.container.command) > 0
    error_message = "container.command must not be empty: it would run the image's own, and never end."
  }
}

variable "cpu" {
  description = "CPU units of the task."
  type        = number
  default     = 256
}

variable "memory" {
  description = "Memory of the task in MiB."
  type        = number
  default     = 512
}

variable "cpu_architecture" {
  description = "ARM64 (Graviton) or X86_64; the image must be of it, or of both."
  type        = string
  default     = "ARM64"

  validation {
    condition     = contains(["ARM64", "X86_64"], var.cpu_architecture)
    error_message = "cpu_architecture must be ARM64 or X86_64."
  }
}

variable "environment" {
  description = "Settings that are no secrets."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name, value in var.environment : !can(regex("(PASSWORD|TOKEN)$|^API_KEYS$", name)) && !can(regex("://[^/@]*:[^/@]+@", value))])
    error_message = "environment must not hold a secret: name its ARN instead."
  }
}

variable "readable_secret_arns" {
  description = "Secrets that the program reads, by a name."
  type        = map(string)

  validation {
    condition     = length(var.readable_secret_arns) > 0
    error_message = "readable_secret_arns must not be empty: a task without secrets needs no role of its own."
  }
}

variable "database_login_arns" {
  description = "Users of databases as whom the program logs in by IAM token (rds-db:connect), by a name."
  type        = map(string)
  default     = {}
}
