variable "name" {
  description = "Environment and service, such as dev-chalice-app: the first part of every name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,40}$", var.name))
    error_message = "name must be 2 to 41 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "region" {
  description = "Region whose metrics the dashboard shows."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the name of a region, such as eu-west-1."
  }
}

variable "sns_topic_arn" {
  description = "SNS topic that every alarm notifies when it fires and when it is over."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:.+$", var.sns_topic_arn))
    error_message = "sns_topic_arn must be the ARN of an SNS topic, such as arn:aws:sns:eu-west-1:123456789012:on-call."
  }
}

variable "log_retention_days" {
  description = "Days to keep log lines."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a number of days that CloudWatch Logs supports: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, ... Keeping lines for ever (0) is not allowed here."
  }
}

variable "app_log_group_class" {
  description = <<-TEXT
    Class of the application's log group: STANDARD, or INFREQUENT_ACCESS, which halves the price of ingestion. It has no
    metric filters, so the alarm errors-logged and the charts from log lines are left out. A change creates a new log group
    and deletes the old one with its lines.
  TEXT
  type        = string
  default     = "STANDARD"

  validation {
    condition     = contains(["STANDARD", "INFREQUENT_ACCESS"], var.app_log_group_class)
    error_message = "app_log_group_class must be STANDARD or INFREQUENT_ACCESS."
  }
}

variable "services" {
  description = <<-TEXT
    Services to watch, by a short name such as app.
    minimum_tasks: alarm below this number of running tasks.
    latency_seconds: alarm above this p99 latency.
    error_percent: alarm above this percentage of 5xx responses, in minutes with at least minimum_requests.
  TEXT
  type = map(object({
    alb_arn_suffix          = string
    target_group_arn_suffix = string
    cluster_name            = string
    service_name            = string
    minimum_tasks           = number
    latency_seconds         = optional(number, 0.5)
    error_percent           = optional(number, 1)
    minimum_requests        = optional(number, 20)
  }))

  validation {
    condition     = alltrue([for service in var.services : service.minimum_tasks >= 1])
    error_message = "minimum_tasks must be at least 1."
  }

  validation {
    condition     = alltrue([for service in var.services : service.error_percent > 0 && service.error_percent <= 100 && service.latency_seconds > 0])
    error_message = "error_percent must be above 0 and at most 100, latency_seconds above 0."
  }
}

variable "database" {
  description = <<-TEXT
    Database to watch.
    burstable: the instance class has CPU credits (db.t*).
    max_connections: connections that the instance class accepts.
    memory_floor_mib: alarm below this amount of free memory.
    replica_identifiers: read replicas, for an alarm on their lag. The module rds creates none.
  TEXT
  type = object({
    identifier          = string
    burstable           = bool
    max_connections     = number
    storage_gib         = number
    memory_floor_mib    = optional(number, 100)
    replica_identifiers = optional(list(string), [])
  })

  validation {
    condition     = var.database.max_connections > 0 && var.database.storage_gib > 0 && var.database.memory_floor_mib > 0
    error_message = "max_connections, storage_gib and memory_floor_mib must be above 0."
  }
}

variable "cache" {
  description = "Cache to watch: replication group, ids of its nodes, and alarm thresholds of a node: open connections, evictions a minute."
  type = object({
    replication_group_id = string
    member_cluster_ids   = list(string)
    connections          = optional(number, 2000)
    evictions            = optional(number, 1000)
  })

  validation {
    condition     = length(var.cache.member_cluster_ids) <= 9
    error_message = "member_cluster_ids must have at most 9 nodes: an alarm can compare no more metrics."
  }
}
