variable "name" {
  description = "Name of the instance and prefix of what belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,45}$", var.name)) && !strcontains(var.name, "--") && !endswith(var.name, "-")
    error_message = "name must be at most 46 lower-case letters, digits and single hyphens, and not end with one: its role's name, with -rds-monitoring, holds 64."
  }
}

variable "vpc_id" {
  description = "The VPC of the subnets."
  type        = string
}

variable "subnet_ids" {
  description = "Isolated subnets, in two zones at least."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must name subnets in two zones at least: RDS refuses a group with one."
  }
}

variable "client_security_group_ids" {
  description = "Who may connect, by a name."
  type        = map(string)
}

variable "instance_class" {
  description = "Class of the instance."
  type        = string

  validation {
    condition     = contains(["db.t4g.micro", "db.t4g.small", "db.t4g.medium", "db.t4g.large", "db.m7g.large", "db.m7g.xlarge", "db.m7g.2xlarge", "db.r7g.large", "db.r7g.xlarge", "db.r7g.2xlarge", "db.r7g.4xlarge"], var.instance_class)
    error_message = "instance_class must be one whose memory this module knows (connections.tf): add it there."
  }
}

variable "engine_version" {
  description = "PostgreSQL's major version; minor ones are installed by themselves."
  type        = string
  default     = "17"

  validation {
    condition     = can(regex("^1[4-9]$", var.engine_version))
    error_message = "engine_version must be a major version from 14 to 19."
  }
}

variable "storage" {
  description = "Size in GiB, and up to where it grows by itself."
  type = object({
    gib     = number
    max_gib = number
  })

  validation {
    condition     = var.storage.gib >= 20 && var.storage.max_gib > var.storage.gib
    error_message = "storage must have gib >= 20 and max_gib > gib: RDS refuses a limit that leaves no room to grow."
  }
}

variable "multi_az" {
  description = "Keep a standby in another zone, which takes over in a minute or two."
  type        = bool
}

variable "backup_retention_days" {
  description = "How far back the database can be restored, to the second."
  type        = number

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "backup_retention_days must lie between 1 and 35."
  }
}

variable "log_retention_days" {
  description = "How long the server's log is kept in CloudWatch."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a number that CloudWatch knows, such as 7, 30, 90 or 365."
  }
}

variable "deletion_protection" {
  description = "Refuse to delete the database."
  type        = bool
  default     = true
}

variable "skip_final_snapshot" {
  description = "Delete the database without keeping a last snapshot."
  type        = bool
  default     = false
}

variable "service_user" {
  description = "The role that the service logs in as; not made here."
  type        = string
}

variable "service_secret_arn" {
  description = "The secret with that role's username and password; null where it has none, and then there can be no proxy."
  type        = string
  default     = null
}

variable "iam_auth_enabled" {
  description = "Take IAM tokens in the place of passwords: the instance from roles that are members of rds_iam, the proxy from every client."
  type        = bool
  default     = true
}

variable "proxy_enabled" {
  description = "Put RDS Proxy before it: for Lambda, or for more connections than the class accepts."
  type        = bool
  default     = false
}

variable "statement_timeout_ms" {
  description = "What the server allows a statement that sets no limit of its own."
  type        = number
  default     = 30000

  validation {
    condition     = var.statement_timeout_ms >= 1000
    error_message = "statement_timeout_ms must be 1000 at least; 0 would be no limit."
  }
}

variable "idle_in_transaction_timeout_ms" {
  description = "What it allows a transaction to lie idle."
  type        = number
  default     = 60000

  validation {
    condition     = var.idle_in_transaction_timeout_ms >= 1000
    error_message = "idle_in_transaction_timeout_ms must be 1000 at least; 0 would be no limit."
  }
}
