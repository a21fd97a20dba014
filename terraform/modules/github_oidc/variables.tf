variable "name" {
  description = "Prefix of the role's name, <env>-<service>."
  type        = string
}

variable "repository" {
  description = "The GitHub repository that deploys, as owner/name."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository must be owner/name: no wildcard, which would let others in."
  }
}

variable "branches" {
  description = "The branches whose workflows may deploy."
  type        = list(string)
  default     = ["main"]

  validation {
    condition     = length(var.branches) > 0 && alltrue([for branch in var.branches : !strcontains(branch, "*")])
    error_message = "branches must name branches, without wildcards."
  }
}

variable "create_provider" {
  description = "Create GitHub's identity provider too; an account has room for one."
  type        = bool
  default     = true
}

variable "permissions_boundary_arn" {
  description = "A boundary on what the role may ever do; null for none."
  type        = string
  default     = null
}
