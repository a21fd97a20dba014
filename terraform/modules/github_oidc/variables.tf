variable "name" {
  description = "Prefix of the role's name, <env>-<service>."
  type        = string
}

variable "repository" {
  description = "GitHub repository that deploys, as owner/name, with upper and lower case as on GitHub."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository must be owner/name, without ids (see repository_ids) and without wildcards, which would trust other repositories."
  }
}

variable "repository_ids" {
  description = "GitHub's ids of the repository and its owner. A repository that was created, renamed or transferred since 15 July 2026 needs them, since its tokens contain both. null: only tokens without ids are trusted."
  type = object({
    owner      = number
    repository = number
  })
  default = null

  validation {
    condition     = alltrue([for id in var.repository_ids == null ? [] : values(var.repository_ids) : id >= 1 && floor(id) == id])
    error_message = "repository_ids must be whole numbers: .owner.id and .id of gh api repos/OWNER/NAME."
  }
}

variable "environment" {
  description = "GitHub environment of the job that applies; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.environment == null || can(regex("^[A-Za-z0-9._-]+$", var.environment))
    error_message = "environment must name one GitHub environment, in letters, digits, dots, hyphens and underscores: GitHub encodes other characters in the token, and a wildcard would trust other environments."
  }
}

variable "branches" {
  description = "Branches whose workflows may deploy."
  type        = list(string)
  default     = ["main"]

  validation {
    condition     = length(var.branches) > 0 && alltrue([for branch in var.branches : !strcontains(branch, "*")])
    error_message = "branches must name branches, without wildcards."
  }
}

variable "create_provider" {
  description = "Create GitHub's identity provider. An account can have only one."
  type        = bool
  default     = true
}

variable "service_task_runnable" {
  description = "Let the workflows also run tasks of the service's task definition: to roll back to a version that migrates that way."
  type        = bool
  default     = false
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role; null for none."
  type        = string
  default     = null
}
