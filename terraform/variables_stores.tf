variable "multi_az" {
  description = "Automatic failover of the database and the cache to another zone."
  type        = bool
  default     = false

  validation {
    condition     = !var.multi_az || var.cache_replicas >= 1
    error_message = "multi_az needs cache_replicas of at least 1 to fail over to."
  }
}

variable "database_class" {
  description = "Instance class of the database."
  type        = string
  default     = "db.t4g.micro"
}

variable "database_storage" {
  description = "Storage of the database in GiB: initial size, and limit of its automatic growth."
  type = object({
    gib     = number
    max_gib = number
  })
  default = { gib = 20, max_gib = 100 }
}

variable "database_proxy" {
  description = "Put RDS Proxy in front of the database. The migration gives the service's role its time limits, which no client may set through the proxy without being pinned."
  type        = bool
  default     = false
}

variable "database_iam_auth" {
  description = "true: the service logs in with IAM tokens. false: with a password from a secret. null: with tokens, except on a db.t4g.micro, which has too little memory to check them."
  type        = bool
  default     = null
}

variable "database_service_user" {
  description = "Database role of the service; with a password its name ends with _password. The migration creates it."
  type        = string
  default     = "shop_service"

  validation {
    condition     = can(regex("^[a-z_][a-z0-9_]{0,53}$", var.database_service_user)) && !can(regex("^(pg_|rds|shop$)", var.database_service_user))
    error_message = "database_service_user must be at most 54 lower-case letters, digits and underscores, not begin with pg_ or rds, and not be shop, the owner."
  }
}

variable "database_password_version" {
  description = "Increase it for a new password of the service's database role (if it has one); the next migration sets the password."
  type        = number
  default     = 1
}

variable "database_owner_login_kept" {
  description = "Only for the upgrade to the service's own database role, and for rolling it back (docs/upgrading.md): the service's tasks may read the owner's secret, and the workflows may run the service's task as a migration."
  type        = bool
  default     = false
}

variable "database_backup_days" {
  description = "How long database backups are kept, in days."
  type        = number
  default     = 7
}

variable "cache_engine" {
  description = "Engine of the cache: valkey or redis."
  type        = string
  default     = "valkey"
}

variable "cache_engine_version" {
  description = "Engine version of the cache."
  type        = string
  default     = "8.0"
}

variable "cache_node_type" {
  description = "Node type of the cache."
  type        = string
  default     = "cache.t4g.micro"
}

variable "cache_replicas" {
  description = "Replicas of the cache."
  type        = number
  default     = 0
}

variable "cache_password_version" {
  description = "Increase it for a new password of the cache."
  type        = number
  default     = 1
}
