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
