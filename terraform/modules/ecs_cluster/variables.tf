variable "name" {
  description = "Name of the cluster, <env>-<service>; its service discovery namespace is <name>.internal."
  type        = string
}

variable "vpc_id" {
  description = "Where the namespace resolves."
  type        = string
}
