variable "name" {
  description = "Prefix of all names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,39}$", var.name))
    error_message = "name must be 2 to 40 lower-case letters, digits and hyphens: longer names of queues and roles are built from it."
  }
}

variable "region" {
  description = "Region of everything here, also of the queues."
  type        = string
}

variable "cluster_arn" {
  description = "ARN of the cluster."
  type        = string

  validation {
    condition     = can(regex(":cluster/[^/]+$", var.cluster_arn))
    error_message = "cluster_arn must be the ARN of a cluster, which ends with :cluster/ and its name."
  }
}

variable "vpc_id" {
  description = "The VPC of the subnets."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the tasks; public subnets only with assign_public_ip."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "subnet_ids must name at least one subnet."
  }
}

variable "assign_public_ip" {
  description = "Give each task a public address, for subnets without a NAT gateway. The security group still admits nothing."
  type        = bool
  default     = false
}

variable "internet_egress" {
  description = "Let the tasks reach any address by HTTPS: needed if an AWS service has no VPC endpoint."
  type        = bool
  default     = true
}

variable "egress" {
  description = "Further security groups and ports that the tasks may reach, such as a database, by a name for the rule's description."
  type = map(object({
    security_group_id = string
    port              = number
  }))
  default = {}
}

variable "log_retention_days" {
  description = "Days that log lines are kept."
  type        = number
  default     = 30
}

variable "alarm_topic_arns" {
  description = "SNS topics that the alarms notify."
  type        = list(string)
  default     = []
}
