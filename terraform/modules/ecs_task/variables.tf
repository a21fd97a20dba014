variable "name" {
  description = "Family of the task definition and prefix of the role's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,58}$", var.name))
    error_message = "name must be at most 59 lower-case letters, digits and hyphens: <name>-task is the name of a role, which may have 64."
  }
}

variable "region" {
  description = "Region of the log group."
  type        = string
}

variable "log_group_name" {
  description = "Log group of the container."
  type        = string
}

variable "execution_role_arn" {
  description = "Role with which ECS starts the task: it may pull the image and write to the log group."
  type        = string
}

variable "trust_policy" {
  description = "Trust policy of the task's role, in JSON: it must let ECS tasks of this account assume the role."
  type        = string
}

variable "container" {
  description = "The container; `user` is uid:gid, `command` in exec form."
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
    error_message = "container.command must not be empty: the image's own command is a server and never ends."
  }
}

variable "cpu" {
  description = "CPU units of the task; 1024 are one vCPU."
  type        = number
  default     = 256
}

variable "memory" {
  description = "Memory of the task in MiB."
  type        = number
  default     = 512
}

variable "cpu_architecture" {
  description = "ARM64 (Graviton) or X86_64; the image must support it."
  type        = string
  default     = "ARM64"
}

variable "environment" {
  description = "Environment variables without secrets."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name, value in var.environment : !can(regex("(PASSWORD|TOKEN)$|^API_KEYS$", name)) && !can(regex("://[^/@]*:[^/@]+@", value))])
    error_message = "environment must not contain a secret: pass the secret's ARN instead."
  }
}

variable "readable_secret_arns" {
  description = "Secrets that the program may read, by a name of your choice."
  type        = map(string)

  validation {
    condition     = length(var.readable_secret_arns) > 0
    error_message = "readable_secret_arns must not be empty: a task without secrets needs no role."
  }
}

variable "database_login_arns" {
  description = "Database users as which the program may log in with an IAM token (rds-db:connect), by a name of your choice."
  type        = map(string)
  default     = {}
}
