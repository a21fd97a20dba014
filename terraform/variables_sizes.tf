variable "vpc_cidr" {
  description = "Addresses of the VPC."
  type        = string
  default     = "10.0.0.0/16"
}

variable "zone_letters" {
  description = "Availability zones of the region, two or three."
  type        = list(string)
  default     = ["a", "b"]
}

variable "single_nat_gateway" {
  description = "One NAT gateway instead of one for each zone."
  type        = bool
  default     = true
}

variable "interface_endpoints" {
  description = "AWS services reached without the NAT gateways. Where one that tasks need is missing, they may reach the internet by HTTPS."
  type        = set(string)
  default     = ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "xray"]
}

variable "app_cpu" {
  description = "CPU units of an application task; 1024 are one vCPU."
  type        = number
  default     = 512
}

variable "app_memory" {
  description = "Memory of an application task in MiB."
  type        = number
  default     = 1024
}

variable "app_tasks" {
  description = "How many application tasks there are, at the least and at the most."
  type = object({
    min = number
    max = number
  })
  default = { min = 2, max = 4 }
}

variable "app_spot_weight" {
  description = "Of 100 tasks beyond the least, how many run on FARGATE_SPOT."
  type        = number
  default     = 0
}

variable "app_autoscaling" {
  description = "What the number of tasks follows; `scheduled` moves its bounds, for a sale."
  type = object({
    cpu_percent         = optional(number, 50)
    requests_per_target = optional(number, 30000)
    scheduled = optional(list(object({
      name     = string
      schedule = string
      min      = number
      max      = number
    })), [])
  })
  default = {}
}

variable "app_server" {
  description = "The server: waitress, uvicorn or granian."
  type        = string
  default     = "waitress"

  validation {
    condition     = contains(["waitress", "uvicorn", "granian"], var.app_server)
    error_message = "app_server must be waitress, uvicorn or granian."
  }
}

variable "app_threads" {
  description = "Requests that a task serves at the same time."
  type        = number
  default     = 8
}

variable "app_log_level" {
  description = "DEBUG, INFO, WARNING, ERROR or CRITICAL."
  type        = string
  default     = "INFO"
}

variable "cache_ttl_seconds" {
  description = "How long a cached product stays at the most."
  type        = number
  default     = 3600
}

variable "local_lease_ms" {
  description = "How long a task may answer from its own memory; a write waits that long."
  type        = number
  default     = 50

  validation {
    condition     = var.local_lease_ms >= 0 && var.local_lease_ms <= 250
    error_message = "local_lease_ms must lie between 0 and 250."
  }
}

variable "app_waf_enabled" {
  description = "Put AWS WAF before the application."
  type        = bool
  default     = false
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

variable "database_pool_size" {
  description = "Connections of one task to the database."
  type        = number
  default     = 5
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

variable "multi_az" {
  description = "Standbys of both stores in another zone, which take over by themselves."
  type        = bool
  default     = false
}

variable "prometheus_retention" {
  description = "How long Prometheus keeps samples."
  type        = string
  default     = "15d"
}

variable "collector_image" {
  description = "The OpenTelemetry collector beside each application task."
  type        = string
  default     = "public.ecr.aws/aws-observability/aws-otel-collector:v0.43.1"
}

variable "log_retention_days" {
  description = "How long log lines are kept."
  type        = number
  default     = 30
}

variable "deletion_protection" {
  description = "Refuse to delete the database, its last snapshot, and the load balancers with their logs."
  type        = bool
  default     = true
}

variable "github_repository" {
  description = "The GitHub repository that deploys by an OIDC role, as owner/name; empty: it has keys."
  type        = string
  default     = ""
}

variable "github_create_provider" {
  description = "Create GitHub's identity provider; an account has room for one."
  type        = bool
  default     = true
}

variable "cache_password_version" {
  description = "Raise it to have a new password made for the cache."
  type        = number
  default     = 1
}
