variable "prometheus_retention" {
  description = "How long Prometheus keeps samples."
  type        = string
  default     = "15d"

  validation {
    condition     = can(regex("^[1-9][0-9]*(h|d|w|y)$", var.prometheus_retention))
    error_message = "prometheus_retention must be a number and h, d, w or y, such as 15d."
  }
}

variable "log_retention_days" {
  description = "How long log lines are kept."
  type        = number
  default     = 30
}

variable "deletion_protection" {
  description = "Refuse to delete the database, its last snapshot, and the load balancers with their logs."
  type        = bool
  default     = true
}

variable "github_repository" {
  description = "The GitHub repository that deploys by an OIDC role, as owner/name; empty: it has keys."
  type        = string
  default     = ""

  validation {
    condition     = var.github_repository == "" || can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "github_repository must be owner/name, or empty."
  }
}

variable "github_create_provider" {
  description = "Create GitHub's identity provider; an account has room for one."
  type        = bool
  default     = true
}
