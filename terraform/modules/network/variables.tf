variable "name" {
  description = "Prefix of every name: <env>-<service>."
  type        = string
}

variable "cidr" {
  description = "Address range of the VPC, from /16 to /22; each subnet takes a sixteenth of it."
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
  description = "Create NAT gateways for the private subnets. Without NAT they reach only AWS services with a VPC endpoint."
  type        = bool
  default     = true
}

variable "single_nat_gateway" {
  description = "One NAT gateway for all zones instead of one for each: cheaper, but if its zone fails, no task reaches the internet."
  type        = bool
}

variable "interface_endpoints" {
  description = "AWS services that get a VPC endpoint, so that the private subnets reach them without NAT."
  type        = set(string)
  default     = ["ecr.api", "ecr.dkr", "logs", "secretsmanager"]
}

variable "flow_log_retention_days" {
  description = "Days to keep the VPC's flow logs."
  type        = number
  default     = 30
}
