variable "name" {
  description = "Name of the cluster, <env>-<service>; its service discovery namespace is <name>.internal."
  type        = string
}

variable "vpc_id" {
  description = "VPC in which the namespace resolves."
  type        = string
}
