variable "name" {
  description = "Name of the replication group and prefix of what belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,39}$", var.name)) && !strcontains(var.name, "--")
    error_message = "name must be at most 40 lower-case letters, digits and single hyphens: a replication group's name holds no more."
  }
}

variable "vpc_id" {
  description = "The VPC of the subnets."
  type        = string
}

variable "subnet_ids" {
  description = "Isolated subnets."
  type        = list(string)
}

variable "client_security_group_ids" {
  description = "Who may connect, by a name."
  type        = map(string)
}

variable "engine" {
  description = "valkey or redis."
  type        = string
  default     = "valkey"

  validation {
    condition     = contains(["valkey", "redis"], var.engine)
    error_message = "engine must be valkey or redis."
  }
}

variable "engine_version" {
  description = "Version of the engine: 8.0 of Valkey, 7.1 or 6.x of Redis."
  type        = string
  default     = "8.0"
}

variable "node_type" {
  description = "Class of each node."
  type        = string
}

variable "replicas" {
  description = "Nodes beside the primary; one of them takes over when it fails."
  type        = number

  validation {
    condition     = var.replicas >= 0 && var.replicas <= 5
    error_message = "replicas must lie between 0 and 5."
  }
}

variable "multi_az" {
  description = "Spread the nodes over zones, and fail over by itself."
  type        = bool

  validation {
    condition     = !var.multi_az || var.replicas >= 1
    error_message = "multi_az needs a replica at least: there is nothing to fail over to."
  }
}

variable "snapshot_retention_days" {
  description = "How long daily snapshots are kept; 0 for none: what is cached can be loaded again."
  type        = number
  default     = 0
}

variable "snapshot_window" {
  description = "When snapshots are taken, in UTC."
  type        = string
  default     = "01:00-02:00"
}

variable "password_version" {
  description = "Raise it to have a new password made; programs read it again when the old one is refused."
  type        = number
  default     = 1
}
