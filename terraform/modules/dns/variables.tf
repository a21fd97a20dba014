variable "zone_id" {
  description = "Route 53 hosted zone of the records."
  type        = string
}

variable "records" {
  description = "Load balancers, by full domain name."
  type = map(object({
    dns_name = string
    zone_id  = string
  }))
}
