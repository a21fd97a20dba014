variable "container" {
  description = "Main container; `user` is uid:gid, `health_check_command` in exec form; `command` null runs the image's own."
  type = object({
    name                 = string
    image                = string
    port                 = number
    user                 = string
    command              = optional(list(string))
    health_check_command = optional(list(string))
  })

  validation {
    condition     = can(regex("^[1-9][0-9]*:[1-9][0-9]*$", var.container.user))
    error_message = "container.user must be uid:gid in numbers, and not root."
  }

  validation {
    condition     = !endswith(var.container.image, ":latest") && strcontains(var.container.image, ":")
    error_message = "container.image must have a tag other than latest: each version needs its own tag."
  }
}

variable "cpu" {
  description = "CPU units of a task; 1024 are one vCPU."
  type        = number

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096], var.cpu)
    error_message = "cpu must be 256, 512, 1024, 2048 or 4096."
  }
}

variable "memory" {
  description = "Memory of a task in MiB: a multiple of 1024, from 2 to 8 MiB for each unit of cpu."
  type        = number

  validation {
    condition     = var.memory >= var.cpu * 2 && var.memory <= min(var.cpu * 8, 30720)
    error_message = "memory must lie between 2 and 8 MiB for each unit of cpu, and not exceed 30720."
  }

  validation {
    condition     = var.memory % 1024 == 0 || (var.memory == 512 && var.cpu == 256)
    error_message = "memory must be a multiple of 1024, or 512 with a cpu of 256: Fargate has no other sizes."
  }
}

variable "cpu_architecture" {
  description = "ARM64 (Graviton) or X86_64; the images must support it."
  type        = string
  default     = "ARM64"
}

variable "environment" {
  description = "Environment variables without secrets."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name, value in var.environment : !can(regex("(PASSWORD|TOKEN)$|^API_KEYS$", name)) && !can(regex("://[^/@]*:[^/@]+@", value))])
    error_message = "environment must not contain a secret: pass the secret's ARN instead, or use secrets."
  }
}

variable "secrets" {
  description = "Environment variables that ECS reads from Secrets Manager when a task starts: name to ARN."
  type        = map(string)
  default     = {}
}

variable "readable_secret_arns" {
  description = "Secrets that the programs may read while they run, by a name of your choice; a rotation then needs no restart."
  type        = map(string)
  default     = {}
}

variable "database_login_arns" {
  description = "Database users as which the programs may log in with an IAM token (rds-db:connect), by a name of your choice."
  type        = map(string)
  default     = {}
}

variable "stop_timeout_seconds" {
  description = "Seconds from SIGTERM to SIGKILL; Fargate allows 120 at most."
  type        = number
  default     = 40

  validation {
    condition     = var.stop_timeout_seconds >= 2 && var.stop_timeout_seconds <= 120
    error_message = "stop_timeout_seconds must be from 2 to 120."
  }
}

variable "drain_accept_seconds" {
  description = "How long the program accepts connections after SIGTERM, while the load balancer still opens them."
  type        = number
  default     = 0

  validation {
    condition     = var.drain_accept_seconds >= 0 && floor(var.drain_accept_seconds) == var.drain_accept_seconds
    error_message = "drain_accept_seconds must be a whole number of at least 0."
  }
}

variable "drain_seconds" {
  description = "How long the program may then take to finish open requests."
  type        = number
  default     = 20
}

variable "tracing_sidecar" {
  description = "Sidecar with an OpenTelemetry collector, which receives X-Ray segments on 127.0.0.1:2000; null for none. Its cpu and memory (a limit) are taken from the task's."
  type = object({
    image  = string
    cpu    = number
    memory = number
    log_group = object({
      name = string
      arn  = string
    })
  })
  default = null

  validation {
    condition     = var.tracing_sidecar == null || try(var.tracing_sidecar.memory >= 192, false)
    error_message = "tracing_sidecar.memory must be at least 192 MiB: the idle collector takes some 100, and its limiter needs room above that."
  }

  validation {
    condition     = var.tracing_sidecar == null || try(var.tracing_sidecar.cpu * 2 <= var.cpu && var.tracing_sidecar.memory * 2 <= var.memory, false)
    error_message = "tracing_sidecar must leave half of the task's cpu (${var.cpu}) and memory (${var.memory}) to the container."
  }
}

variable "volume" {
  description = "EFS access point to mount; null for none."
  type = object({
    file_system_id   = string
    file_system_arn  = string
    access_point_id  = string
    access_point_arn = string
    path             = string
  })
  default = null
}
