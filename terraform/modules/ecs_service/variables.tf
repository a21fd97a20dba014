variable "name" {
  description = "Name of the service, its load balancer and its roles."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,31}$", var.name))
    error_message = "name must be 2 to 32 lower-case letters, digits and hyphens: a load balancer's name holds no more."
  }
}

variable "region" {
  description = "Where its log lines go."
  type        = string
}

variable "cluster_arn" {
  description = "The cluster it runs in."
  type        = string
}

variable "cluster_name" {
  description = "That cluster's name."
  type        = string
}

variable "vpc_id" {
  description = "The VPC of the subnets."
  type        = string
}

variable "public_subnet_ids" {
  description = "Where its load balancer stands."
  type        = list(string)
}

variable "private_subnet_ids" {
  description = "Where its tasks run; public subnets only with assign_public_ip."
  type        = list(string)
}

variable "assign_public_ip" {
  description = "Give each task a public address: its way out where its subnets have no NAT gateway. Nobody comes in by it but the load balancer."
  type        = bool
  default     = false
}

variable "keep_task_definitions" {
  description = "Keep the revisions of the task definition that others have replaced, also when all is destroyed: to go back to one."
  type        = bool
  default     = true
}

variable "discovery_namespace_id" {
  description = "The private DNS namespace in which its tasks are found, an A record each."
  type        = string
}

variable "discovery_name" {
  description = "Its name there."
  type        = string
}

variable "log_group_name" {
  description = "Where its container writes."
  type        = string
}

variable "log_group_arn" {
  description = "That log group's ARN."
  type        = string
}

variable "wait_for_steady_state" {
  description = "Have `apply` wait until the new tasks serve."
  type        = bool
  default     = false
}
