variable "certificate_arn" {
  description = "The certificate of the public name, in ACM."
  type        = string
}

variable "allowed_cidrs" {
  description = "Who reaches the load balancer."
  type        = list(string)

  validation {
    condition     = length(var.allowed_cidrs) > 0 && alltrue([for cidr in var.allowed_cidrs : can(regex("^[0-9.]+/[0-9]+$", cidr)) && can(cidrhost(cidr, 0))])
    error_message = "allowed_cidrs must name at least one IPv4 range."
  }
}

variable "hidden_paths" {
  description = "Paths that the load balancer answers 404 by itself, also under a prefix and with slashes more."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for path in var.hidden_paths : can(regex("^(/[A-Za-z0-9_.-]+)+$", path))])
    error_message = "hidden_paths must be paths such as /metrics: no wildcards, no slash at the end."
  }
}

variable "health_check_path" {
  description = "What the load balancer asks of each task."
  type        = string

  validation {
    condition     = startswith(var.health_check_path, "/")
    error_message = "health_check_path must begin with a slash."
  }
}

variable "health_check_matcher" {
  description = "The statuses that count as healthy."
  type        = string
  default     = "200"
}

variable "deregistration_delay_seconds" {
  description = "How long the load balancer lets requests of a leaving task finish; it sends no new ones meanwhile."
  type        = number
  default     = 20
}

variable "metrics_clients" {
  description = "Security groups that may reach the task port beside the load balancer, by a name."
  type        = map(string)
  default     = {}
}

variable "egress" {
  description = "Security groups that the tasks reach, and the port, by a name."
  type = map(object({
    security_group_id = string
    port              = number
  }))
  default = {}
}

variable "egress_prefix_lists" {
  description = "Prefix lists that the tasks reach by HTTPS, by a name, such as S3's for image layers."
  type        = map(string)
  default     = {}
}

variable "internet_egress" {
  description = "Let the tasks reach any address by HTTPS: where an AWS service that they need has no endpoint."
  type        = bool
  default     = false
}

variable "deletion_protection" {
  description = "Refuse to delete the load balancer."
  type        = bool
  default     = true
}

variable "access_logs_bucket_force_destroy" {
  description = "Delete the load balancer's logs with it."
  type        = bool
  default     = false
}

variable "waf_enabled" {
  description = "Put AWS WAF with the managed rules before the load balancer."
  type        = bool
  default     = false
}
