mock_provider "aws" {}

variables {
  zone_id = "Z1"
  records = {
    "shop.example.com" = { dns_name = "shop-1.eu-west-1.elb.amazonaws.com", zone_id = "Z2" }
  }
}

run "both_families" {
  command = apply

  assert {
    condition     = toset([for record in aws_route53_record.alias : record.type]) == toset(["A", "AAAA"])
    error_message = "A name must resolve for IPv4 and IPv6."
  }

  assert {
    condition     = alltrue([for record in aws_route53_record.alias : record.zone_id == "Z1" && record.name == "shop.example.com" && one(record.alias).zone_id == "Z2"])
    error_message = "The record is in our zone, its target in the load balancer's zone."
  }
}
