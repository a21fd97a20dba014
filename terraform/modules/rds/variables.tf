variable "name" {
  description = "Name of the instance and prefix of other names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,45}$", var.name)) && !strcontains(var.name, "--") && !endswith(var.name, "-")
    error_message = "name must be at most 46 lower-case letters, digits and single hyphens, and not end with a hyphen: <name>-rds-monitoring is the name of a role, which may have 64."
  }
}

variable "vpc_id" {
  description = "The VPC of the subnets."
  type        = string
}

variable "subnet_ids" {
  description = "Isolated subnets in at least two zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must have subnets in at least two zones, as RDS requires."
  }
}

variable "client_security_group_ids" {
  description = "Security groups that may connect, by a name for the rule's description."
  type        = map(string)
}

variable "instance_class" {
  description = "Instance class."
  type        = string

  validation {
    condition     = contains(["db.t4g.micro", "db.t4g.small", "db.t4g.medium", "db.t4g.large", "db.m7g.large", "db.m7g.xlarge", "db.m7g.2xlarge", "db.r7g.large", "db.r7g.xlarge", "db.r7g.2xlarge", "db.r7g.4xlarge"], var.instance_class)
    error_message = "instance_class must be one of memory_gib in connections.tf: add the class and its memory there."
  }
}

variable "engine_version" {
  description = "Major version of PostgreSQL; RDS installs minor versions automatically."
  type        = string
  default     = "17"

  validation {
    condition     = can(regex("^1[4-9]$", var.engine_version))
    error_message = "engine_version must be a major version from 14 to 19."
  }
}

variable "storage" {
  description = "Storage in GiB: initial size, and limit of its automatic growth."
  type = object({
    gib     = number
    max_gib = number
  })

  validation {
    condition     = var.storage.gib >= 20 && var.storage.max_gib > var.storage.gib
    error_message = "storage must have gib >= 20 and max_gib > gib, as RDS requires."
  }
}

variable "multi_az" {
  description = "Keep a standby in another zone, which takes over within a minute or two."
  type        = bool
}

variable "backup_retention_days" {
  description = "Days to keep backups; the database can be restored to any second within them."
  type        = number

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "backup_retention_days must be from 1 to 35."
  }
}

variable "log_retention_days" {
  description = "Days to keep the server's log in CloudWatch."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a number of days that CloudWatch supports, such as 7, 30, 90 or 365."
  }
}

variable "deletion_protection" {
  description = "Protect the database from deletion."
  type        = bool
  default     = true
}

variable "skip_final_snapshot" {
  description = "Delete the database without a final snapshot."
  type        = bool
  default     = false
}

variable "service_user" {
  description = "Database role of the service; the migration creates it, not this module."
  type        = string
}

variable "service_secret_arn" {
  description = "Secret with that role's username and password; null if it has no password. The proxy needs one."
  type        = string
  default     = null
}

variable "iam_auth_enabled" {
  description = "IAM tokens instead of passwords: the instance accepts them from members of rds_iam, the proxy requires them of every client."
  type        = bool
  default     = true
}

variable "proxy_enabled" {
  description = "Put RDS Proxy in front of the instance: for Lambda, or for more connections than the instance class accepts."
  type        = bool
  default     = false
}

variable "statement_timeout_ms" {
  description = "Default time limit of a statement, in milliseconds."
  type        = number
  default     = 30000

  validation {
    condition     = var.statement_timeout_ms >= 1000
    error_message = "statement_timeout_ms must be at least 1000; 0 would mean no limit."
  }
}

variable "idle_in_transaction_timeout_ms" {
  description = "Time limit of an idle transaction, in milliseconds."
  type        = number
  default     = 60000

  validation {
    condition     = var.idle_in_transaction_timeout_ms >= 1000
    error_message = "idle_in_transaction_timeout_ms must be at least 1000; 0 would mean no limit."
  }
}
