variable "vpc_cidr" {
  description = "Address range of the VPC."
  type        = string
  default     = "10.0.0.0/16"
}

variable "zone_letters" {
  description = "Letters of two or three availability zones of the region."
  type        = list(string)
  default     = ["a", "b"]

  validation {
    condition     = length(distinct(var.zone_letters)) == length(var.zone_letters) && contains([2, 3], length(var.zone_letters)) && alltrue([for letter in var.zone_letters : can(regex("^[a-f]$", letter))])
    error_message = "zone_letters must be two or three different letters, such as a and b."
  }
}

variable "single_nat_gateway" {
  description = "One NAT gateway for all zones instead of one for each."
  type        = bool
  default     = true
}

variable "public_tasks" {
  description = "Run tasks in the public subnets, each with a public address, without NAT gateways: the cheapest setup, for a trial. Security groups admit only the load balancers."
  type        = bool
  default     = false
}

variable "interface_endpoints" {
  description = "AWS services with a VPC endpoint, which tasks reach without NAT. If a service that tasks need is missing, they may reach the internet by HTTPS."
  type        = set(string)
  default     = ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "xray"]
}
