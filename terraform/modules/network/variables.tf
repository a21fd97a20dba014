variable "name" {
  description = "Prefix of every name: <env>-<service>."
  type        = string
}

variable "cidr" {
  description = "Addresses of the VPC; each subnet takes a sixteenth of them, so /16 to /22."
  type        = string
  default     = "10.0.0.0/16"

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && try(tonumber(split("/", var.cidr)[1]), 0) >= 16 && try(tonumber(split("/", var.cidr)[1]), 0) <= 22
    error_message = "cidr must be an IPv4 range from /16 to /22, such as 10.0.0.0/16."
  }
}

variable "zones" {
  description = "Two or three availability zones, such as eu-west-1a."
  type        = list(string)

  validation {
    condition     = length(var.zones) >= 2 && length(var.zones) <= 3 && length(distinct(var.zones)) == length(var.zones)
    error_message = "zones must be two or three different availability zones: a load balancer needs two."
  }
}

variable "nat_enabled" {
  description = "Give the private subnets a way out over NAT gateways; without one they reach what has an endpoint."
  type        = bool
  default     = true
}

variable "single_nat_gateway" {
  description = "One NAT gateway for all zones (cheaper; its zone's end cuts every task off) instead of one for each."
  type        = bool
}

variable "interface_endpoints" {
  description = "AWS services that the private subnets reach without the NAT gateway."
  type        = set(string)
  default     = ["ecr.api", "ecr.dkr", "logs", "secretsmanager"]
}

variable "flow_log_retention_days" {
  description = "How long the VPC's flow logs are kept."
  type        = number
  default     = 30
}
