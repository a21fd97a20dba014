variable "cpu_architecture" {
  description = "CPU architecture of all tasks: ARM64 (Graviton, a fifth cheaper) or X86_64. The pipeline builds images for both."
  type        = string
  default     = "ARM64"

  validation {
    condition     = contains(["ARM64", "X86_64"], var.cpu_architecture)
    error_message = "cpu_architecture must be ARM64 or X86_64."
  }
}

variable "fargate_vcpu_quota" {
  description = "vCPUs that this environment may run at a time on Fargate and on Fargate Spot: the account's quotas in the region (L-3032A538 and L-36FBB829), or this environment's share of them. A new account has 6 of each."
  type = object({
    on_demand = number
    spot      = number
  })
  default = { on_demand = 6, spot = 6 }

  validation {
    condition     = var.fargate_vcpu_quota.on_demand >= 1 && var.fargate_vcpu_quota.spot >= 0
    error_message = "fargate_vcpu_quota must have on_demand >= 1 and spot >= 0."
  }
}

variable "app_rollback_alarms" {
  description = "ECS rolls a deployment of the application back if more than error_percent of a minute's requests fail (and at least failed_requests), if p99 exceeds latency_seconds, or if a task is unhealthy. enabled = false: only if tasks do not start (circuit breaker)."
  type = object({
    enabled         = optional(bool, true)
    error_percent   = optional(number, 5)
    failed_requests = optional(number, 5)
    latency_seconds = optional(number, 1)
  })
  default  = {}
  nullable = false
}
