variable "name" {
  description = "Prefix of the role's name, <env>-<service>."
  type        = string
}

variable "repository" {
  description = "The GitHub repository that deploys, as owner/name, spelt as GitHub spells it: upper and lower case count."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository must be owner/name: no ids (repository_ids holds those), and no wildcard, which would let others in."
  }
}

variable "repository_ids" {
  description = "GitHub's numbers for the repository and its owner. A repository made, renamed or transferred since 15 July 2026 needs them: its tokens name both. Null: only tokens of the older form are trusted."
  type = object({
    owner      = number
    repository = number
  })
  default = null

  validation {
    condition     = alltrue([for id in var.repository_ids == null ? [] : values(var.repository_ids) : id >= 1 && floor(id) == id])
    error_message = "repository_ids must be whole numbers, as gh api repos/OWNER/NAME tells them: .owner.id and .id."
  }
}

variable "environment" {
  description = "The GitHub environment that the applying job has; null where it has none."
  type        = string
  default     = null

  validation {
    condition     = var.environment == null || can(regex("^[A-Za-z0-9._-]+$", var.environment))
    error_message = "environment must name one GitHub environment, in letters, digits, dots, hyphens and underscores: GitHub encodes others in the token, and a wildcard would let others in."
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

variable "service_task_runnable" {
  description = "Let the workflows start tasks of the service's own definition too: for going back to a version whose migration is one."
  type        = bool
  default     = false
}

variable "permissions_boundary_arn" {
  description = "A boundary on what the role may ever do; null for none."
  type        = string
  default     = null
}
