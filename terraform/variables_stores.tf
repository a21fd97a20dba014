variable "multi_az" {
  description = "Standbys of both stores in another zone, which take over by themselves."
  type        = bool
  default     = false

  validation {
    condition     = !var.multi_az || var.cache_replicas >= 1
    error_message = "multi_az needs cache_replicas of 1 at least: there is nothing to fail over to."
  }
}

variable "database_class" {
  description = "Class of the database."
  type        = string
  default     = "db.t4g.micro"
}

variable "database_storage" {
  description = "Size of the database in GiB, and up to where it grows."
  type = object({
    gib     = number
    max_gib = number
  })
  default = { gib = 20, max_gib = 100 }
}

variable "database_proxy" {
  description = "Put RDS Proxy before the database."
  type        = bool
  default     = false
}

variable "database_iam_auth" {
  description = "Whether the service logs in by IAM tokens, or by a password in a secret; null: by tokens, but on a db.t4g.micro, which has no memory for checking them."
  type        = bool
  default     = null
}

variable "database_service_user" {
  description = "The role in the database that the service logs in as; the one with a password is called after it. The migration makes both."
  type        = string
  default     = "shop_service"

  validation {
    condition     = can(regex("^[a-z_][a-z0-9_]{0,53}$", var.database_service_user)) && !can(regex("^(pg_|rds|shop$)", var.database_service_user))
    error_message = "database_service_user must be at most 54 lower-case letters, digits and underscores, not begin with pg_ or rds, and not be shop, who is the owner."
  }
}

variable "database_password_version" {
  description = "Raise it to have a new password made for the service's role, where it has one; the next migration sets it."
  type        = number
  default     = 1
}

variable "database_owner_login_kept" {
  description = "Let the service's tasks read the owner's secret, and the workflows start them as a migration, as before the service had a role of its own: for that deployment, and for the way back from it (docs/upgrading.md)."
  type        = bool
  default     = false
}

variable "database_backup_days" {
  description = "How far back the database can be restored."
  type        = number
  default     = 7
}

variable "cache_engine" {
  description = "valkey or redis."
  type        = string
  default     = "valkey"
}

variable "cache_engine_version" {
  description = "Version of the cache's engine."
  type        = string
  default     = "8.0"
}

variable "cache_node_type" {
  description = "Class of the cache's nodes."
  type        = string
  default     = "cache.t4g.micro"
}

variable "cache_replicas" {
  description = "Nodes of the cache beside its primary."
  type        = number
  default     = 0
}

variable "cache_password_version" {
  description = "Raise it to have a new password made for the cache."
  type        = number
  default     = 1
}
