variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the subnets."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the mount targets, one for each zone."
  type        = list(string)
}

variable "client_security_group_ids" {
  description = "Security groups that may mount it, by a name for the rule's description."
  type        = map(string)
}

variable "uid" {
  description = "User id that owns the files."
  type        = number
  default     = 65534
}

variable "gid" {
  description = "Group id that owns the files."
  type        = number
  default     = 65534
}
