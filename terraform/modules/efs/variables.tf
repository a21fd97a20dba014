variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "vpc_id" {
  description = "Where it is mounted."
  type        = string
}

variable "subnet_ids" {
  description = "The subnets whose tasks mount it, one for each zone."
  type        = list(string)
}

variable "client_security_group_ids" {
  description = "Who may mount it, by a name."
  type        = map(string)
}

variable "uid" {
  description = "The user whose files they are."
  type        = number
  default     = 65534
}

variable "gid" {
  description = "And the group."
  type        = number
  default     = 65534
}
