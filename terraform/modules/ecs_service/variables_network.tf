variable "certificate_arn" {
  description = "ACM certificate of the public domain name."
  type        = string
}

variable "allowed_cidrs" {
  description = "IPv4 ranges that may reach the load balancer."
  type        = list(string)

  validation {
    condition     = length(var.allowed_cidrs) > 0 && alltrue([for cidr in var.allowed_cidrs : can(regex("^[0-9.]+/[0-9]+$", cidr)) && can(cidrhost(cidr, 0))])
    error_message = "allowed_cidrs must name at least one IPv4 range."
  }
}

variable "hidden_paths" {
  description = "Paths for which the load balancer returns 404, also with a prefix or extra slashes."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for path in var.hidden_paths : can(regex("^(/[A-Za-z0-9_.-]+)+$", path))])
    error_message = "hidden_paths must be paths such as /metrics: no wildcards, no slash at the end."
  }
}

variable "health_check_path" {
  description = "Path of the load balancer's health check."
  type        = string

  validation {
    condition     = startswith(var.health_check_path, "/")
    error_message = "health_check_path must begin with a slash."
  }
}

variable "health_check_matcher" {
  description = "Statuses that count as healthy."
  type        = string
  default     = "200"
}

variable "deregistration_delay_seconds" {
  description = "How long the load balancer waits for open requests of a deregistered task, which gets no new ones."
  type        = number
  default     = 20
}

variable "metrics_clients" {
  description = "Further security groups that may reach the task's port, by a name for the rule's description."
  type        = map(string)
  default     = {}
}

variable "egress" {
  description = "Security groups and ports that the tasks may reach, by a name for the rule's description."
  type = map(object({
    security_group_id = string
    port              = number
  }))
  default = {}
}

variable "egress_prefix_lists" {
  description = "Prefix lists that the tasks may reach by HTTPS, such as S3's for image layers, by a name for the rule's description."
  type        = map(string)
  default     = {}
}

variable "internet_egress" {
  description = "Let the tasks reach any address by HTTPS: needed if an AWS service has no VPC endpoint."
  type        = bool
  default     = false
}

variable "deletion_protection" {
  description = "Protect the load balancer from deletion."
  type        = bool
  default     = true
}

variable "access_logs_bucket_force_destroy" {
  description = "Delete the bucket of access logs even if it holds logs."
  type        = bool
  default     = false
}

variable "waf_enabled" {
  description = "Put AWS WAF with managed rules in front of the load balancer."
  type        = bool
  default     = false
}
