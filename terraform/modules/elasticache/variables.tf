variable "name" {
  description = "Name of the replication group and prefix of other names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,32}$", var.name)) && !strcontains(var.name, "--")
    error_message = "name must be at most 33 lower-case letters, digits and single hyphens: <name>-nobody is a user id, which may have 40."
  }
}

variable "vpc_id" {
  description = "The VPC of the subnets."
  type        = string
}

variable "subnet_ids" {
  description = "Isolated subnets."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= (var.multi_az ? 2 : 1)
    error_message = "subnet_ids must have subnets in at least two zones with multi_az."
  }
}

variable "client_security_group_ids" {
  description = "Security groups that may connect, by a name for the rule's description."
  type        = map(string)
}

variable "engine" {
  description = "Engine: valkey or redis."
  type        = string
  default     = "valkey"

  validation {
    condition     = contains(["valkey", "redis"], var.engine)
    error_message = "engine must be valkey or redis."
  }
}

variable "engine_version" {
  description = "Version of the engine, such as 8.0 of Valkey, 7.1 or 6.x of Redis."
  type        = string
  default     = "8.0"

  validation {
    condition     = can(regex(var.engine == "valkey" ? "^(7[.]2|8[.][0-9])$" : "^(6[.](x|2)|7[.][01])$", var.engine_version))
    error_message = "engine_version must be 7.2 or 8.x of Valkey, or 6.x, 7.0 or 7.1 of Redis."
  }
}

variable "node_type" {
  description = "Node type."
  type        = string
}

variable "replicas" {
  description = "Number of replicas. With one or more, a replica takes over when the primary fails."
  type        = number

  validation {
    condition     = var.replicas >= 0 && var.replicas <= 5
    error_message = "replicas must lie between 0 and 5."
  }
}

variable "multi_az" {
  description = "Spread the nodes over zones."
  type        = bool

  validation {
    condition     = !var.multi_az || var.replicas >= 1
    error_message = "multi_az needs at least one replica to fail over to."
  }
}

variable "snapshot_retention_days" {
  description = "Days to keep daily snapshots; 0 for none: the cache can be filled again from the database."
  type        = number
  default     = 0

  validation {
    condition     = var.snapshot_retention_days >= 0 && var.snapshot_retention_days <= 35
    error_message = "snapshot_retention_days must lie between 0 and 35."
  }
}

variable "snapshot_window" {
  description = "Time of the daily snapshot, in UTC."
  type        = string
  default     = "01:00-02:00"
}

variable "password_version" {
  description = "Increase it for a new password; the application reads the secret again when Redis refuses the old one."
  type        = number
  default     = 1
}
