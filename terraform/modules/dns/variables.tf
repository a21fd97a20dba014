variable "zone_id" {
  description = "The hosted zone."
  type        = string
}

variable "records" {
  description = "Load balancers by the full name under which they are found."
  type = map(object({
    dns_name = string
    zone_id  = string
  }))
}
