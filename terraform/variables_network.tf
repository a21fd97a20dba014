variable "vpc_cidr" {
  description = "Addresses of the VPC."
  type        = string
  default     = "10.0.0.0/16"
}

variable "zone_letters" {
  description = "Availability zones of the region, two or three."
  type        = list(string)
  default     = ["a", "b"]

  validation {
    condition     = length(distinct(var.zone_letters)) == length(var.zone_letters) && contains([2, 3], length(var.zone_letters)) && alltrue([for letter in var.zone_letters : can(regex("^[a-f]$", letter))])
    error_message = "zone_letters must be two or three different letters, such as a and b."
  }
}

variable "single_nat_gateway" {
  description = "One NAT gateway instead of one for each zone."
  type        = bool
  default     = true
}

variable "public_tasks" {
  description = "Run the tasks in the public subnets, each with a public address, and leave the NAT gateways out: the cheapest way out, to try it. Only the load balancers are let in."
  type        = bool
  default     = false
}

variable "interface_endpoints" {
  description = "AWS services reached without the NAT gateways. Where one that tasks need is missing, they may reach the internet by HTTPS."
  type        = set(string)
  default     = ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "xray"]
}
