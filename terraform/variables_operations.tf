variable "prometheus_retention" {
  description = "How long Prometheus keeps samples."
  type        = string
  default     = "15d"

  validation {
    condition     = can(regex("^[1-9][0-9]*(h|d|w|y)$", var.prometheus_retention))
    error_message = "prometheus_retention must be a number and h, d, w or y, such as 15d."
  }
}

variable "prometheus_storage" {
  description = "Folder of Prometheus' samples on its file system. If the folder is damaged, name a new one: Prometheus starts there without history."
  type        = string
  default     = "/prometheus"

  validation {
    condition     = can(regex("^/prometheus(/[a-z0-9-]+)?$", var.prometheus_storage))
    error_message = "prometheus_storage must be /prometheus, or a folder in it, such as /prometheus/2."
  }
}

variable "prometheus_workspace_id" {
  description = "Workspace of Amazon Managed Service for Prometheus, in this account and region, that also receives every sample; empty for none."
  type        = string
  default     = ""

  validation {
    condition     = var.prometheus_workspace_id == "" || can(regex("^ws-[0-9a-f-]{36}$", var.prometheus_workspace_id))
    error_message = "prometheus_workspace_id must be a workspace's id, such as ws-01234567-89ab-cdef-0123-456789abcdef, or empty."
  }
}

variable "runbook_url" {
  description = "URL of docs/runbook.md, for links in alerts. Empty: its URL in github_repository, if that is set."
  type        = string
  default     = ""

  validation {
    condition     = var.runbook_url == "" || can(regex("^https://[A-Za-z0-9:_./~%-]+$", var.runbook_url))
    error_message = "runbook_url must be an https URL without query or anchor, or empty."
  }
}

variable "log_retention_days" {
  description = "How long log lines are kept, in days."
  type        = number
  default     = 30
}

variable "app_log_group_class" {
  description = "Class of the application's log group: STANDARD, or INFREQUENT_ACCESS, which costs half and has no metric filters. A change creates a new log group and deletes the old one with its lines."
  type        = string
  default     = "STANDARD"

  validation {
    condition     = contains(["STANDARD", "INFREQUENT_ACCESS"], var.app_log_group_class)
    error_message = "app_log_group_class must be STANDARD or INFREQUENT_ACCESS."
  }
}

variable "deletion_protection" {
  description = "Protect from deletion: the database, its final snapshot, the load balancers with their logs, repositories with images."
  type        = bool
  default     = true
}

variable "keep_task_definitions" {
  description = "Keep replaced revisions of task definitions, even after destroy, so that you can roll back to one. They cost nothing."
  type        = bool
  default     = true
}

variable "github_repository" {
  description = "GitHub repository that deploys with an OIDC role, as owner/name, spelt as on GitHub; empty: it deploys with access keys."
  type        = string
  default     = ""

  validation {
    condition     = var.github_repository == "" || can(regex("^[A-Za-z0-9_-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "github_repository must be owner/name without ids, or empty; the ids go into github_repository_ids."
  }
}

variable "github_repository_ids" {
  description = "GitHub's ids of that repository and its owner. A repository that was created, renamed or transferred since 15 July 2026 needs them."
  type = object({
    owner      = number
    repository = number
  })
  default = null

  validation {
    condition     = alltrue([for id in var.github_repository_ids == null ? [] : values(var.github_repository_ids) : id >= 1 && floor(id) == id])
    error_message = "github_repository_ids must be whole numbers: .owner.id and .id of gh api repos/OWNER/NAME."
  }

  validation {
    condition     = var.github_repository_ids == null || var.github_repository != ""
    error_message = "github_repository_ids needs github_repository: the role checks names and ids together."
  }
}

variable "github_environment" {
  description = "GitHub environment of the job that applies (DEPLOY_ENVIRONMENT in GitHub), which the role then trusts; empty for none."
  type        = string
  default     = ""

  validation {
    condition     = var.github_environment == "" || can(regex("^[A-Za-z0-9._-]+$", var.github_environment))
    error_message = "github_environment must name one GitHub environment, in letters, digits, dots, hyphens and underscores, or be empty."
  }
}

variable "github_create_provider" {
  description = "Create GitHub's identity provider. An account can have only one."
  type        = bool
  default     = true
}
