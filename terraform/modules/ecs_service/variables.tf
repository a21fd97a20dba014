variable "name" {
  description = "Name of the service and its load balancer, and prefix of other names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,31}$", var.name))
    error_message = "name must be 2 to 32 lower-case letters, digits and hyphens, the limit of a load balancer's name."
  }
}

variable "region" {
  description = "Region of the log groups."
  type        = string
}

variable "cluster_arn" {
  description = "ARN of the cluster."
  type        = string
}

variable "cluster_name" {
  description = "Name of the cluster."
  type        = string
}

variable "vpc_id" {
  description = "The VPC of the subnets."
  type        = string
}

variable "public_subnet_ids" {
  description = "Public subnets, for the load balancer."
  type        = list(string)
}

variable "private_subnet_ids" {
  description = "Subnets of the tasks; public subnets only with assign_public_ip."
  type        = list(string)
}

variable "assign_public_ip" {
  description = "Give each task a public address, for subnets without a NAT gateway. The security group still admits only the load balancer."
  type        = bool
  default     = false
}

variable "keep_task_definitions" {
  description = "Keep replaced revisions of the task definition, even after destroy, so that you can roll back to one."
  type        = bool
  default     = true
}

variable "discovery_namespace_id" {
  description = "Cloud Map namespace in which each task gets an A record."
  type        = string
}

variable "discovery_name" {
  description = "Name of the service in that namespace."
  type        = string
}

variable "log_group_name" {
  description = "Log group of the container and its companions."
  type        = string
}

variable "log_group_arn" {
  description = "ARN of that log group."
  type        = string
}

variable "wait_for_steady_state" {
  description = "Let `apply` wait until the deployment is complete."
  type        = bool
  default     = false
}
