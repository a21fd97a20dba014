variable "app_cpu" {
  description = "CPU units of an application task; 1024 are one vCPU."
  type        = number
  default     = 512
}

variable "app_memory" {
  description = "Memory of an application task in MiB."
  type        = number
  default     = 1024
}

variable "app_tasks" {
  description = "Minimum and maximum number of application tasks."
  type = object({
    min = number
    max = number
  })
  default = { min = 2, max = 4 }

  validation {
    condition     = var.app_tasks.min >= 1 && var.app_tasks.max >= var.app_tasks.min
    error_message = "app_tasks must have min >= 1 and max >= min."
  }
}

variable "app_spot_weight" {
  description = "Percentage of the tasks above app_tasks.min that run on FARGATE_SPOT."
  type        = number
  default     = 0
}

variable "app_autoscaling" {
  description = "Autoscaling targets: CPU in percent, requests per task and minute. `scheduled` changes the minimum and maximum at a time, such as for a sale."
  type = object({
    cpu_percent         = optional(number, 50)
    requests_per_target = optional(number, 30000)
    scheduled = optional(list(object({
      name     = string
      schedule = string
      min      = number
      max      = number
    })), [])
  })
  default = {}
}

variable "app_server" {
  description = "HTTP server of the application: waitress, uvicorn or granian."
  type        = string
  default     = "waitress"

  validation {
    condition     = contains(["waitress", "uvicorn", "granian"], var.app_server)
    error_message = "app_server must be waitress, uvicorn or granian."
  }
}

variable "app_threads" {
  description = "Requests that a task handles at the same time."
  type        = number
  default     = 8

  validation {
    condition     = var.app_threads >= 1 && var.app_threads <= 1000 && floor(var.app_threads) == var.app_threads
    error_message = "app_threads must be a whole number from 1 to 1000: otherwise the server does not start."
  }
}

variable "app_drain_accept_seconds" {
  description = "How long a task accepts connections after SIGTERM; the load balancer still opens them for about 5 s."
  type        = number
  default     = 10

  validation {
    condition     = var.app_drain_accept_seconds >= 0 && var.app_drain_accept_seconds <= 90 && floor(var.app_drain_accept_seconds) == var.app_drain_accept_seconds
    error_message = "app_drain_accept_seconds must be a whole number from 0 to 90: with the 20 s of the drain after it, more would exceed Fargate's limit before SIGKILL."
  }
}

variable "app_log_level" {
  description = "Log level of the application: DEBUG, INFO, WARNING, ERROR or CRITICAL."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], var.app_log_level)
    error_message = "app_log_level must be DEBUG, INFO, WARNING, ERROR or CRITICAL."
  }
}

variable "app_access_log" {
  description = "Access log of successful requests, per task: up to `lines_per_second` lines, then one line for `one_in` requests. Errors, slow requests and traced requests always get a line."
  type = object({
    lines_per_second = optional(number, 50)
    one_in           = optional(number, 20)
  })
  default = {}

  validation {
    condition     = alltrue([for number in values(var.app_access_log) : floor(number) == number && number <= 1000000]) && var.app_access_log.lines_per_second >= 0 && var.app_access_log.one_in >= 1
    error_message = "app_access_log must have whole numbers up to 1000000: lines_per_second from 0, one_in from 1 (1 writes every line)."
  }
}

variable "app_waf_enabled" {
  description = "Put AWS WAF in front of the application."
  type        = bool
  default     = false
}

variable "cache_ttl_seconds" {
  description = "Maximum age of a cached product."
  type        = number
  default     = 3600

  validation {
    condition     = var.cache_ttl_seconds >= 1 && var.cache_ttl_seconds <= 86400 && floor(var.cache_ttl_seconds) == var.cache_ttl_seconds
    error_message = "cache_ttl_seconds must be a whole number from 1 to 86400: otherwise the server does not start."
  }
}

variable "local_lease_ms" {
  description = "How long a task may answer a read from its own memory, in milliseconds; a write waits that long."
  type        = number
  default     = 50

  validation {
    condition     = var.local_lease_ms >= 0 && var.local_lease_ms <= 250
    error_message = "local_lease_ms must lie between 0 and 250."
  }
}

variable "database_pool_size" {
  description = "Database connections of one task."
  type        = number
  default     = 5

  validation {
    condition     = var.database_pool_size >= 1 && var.database_pool_size <= 1000 && floor(var.database_pool_size) == var.database_pool_size
    error_message = "database_pool_size must be a whole number from 1 to 1000: otherwise the server does not start."
  }
}

variable "collector_image" {
  description = "Image of the OpenTelemetry collector, a sidecar of each application task."
  type        = string
  default     = "public.ecr.aws/aws-observability/aws-otel-collector:v0.43.1"
}
