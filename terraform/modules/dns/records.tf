locals {
  aliases = merge([
    for name, target in var.records : {
      for type in ["A", "AAAA"] : "${name} ${type}" => merge(target, { name = name, type = type })
    }
  ]...)
}

resource "aws_route53_record" "alias" {
  #checkov:skip=CKV2_AWS_23: each record points to a load balancer of this configuration, in another module
  for_each = local.aliases

  zone_id = var.zone_id
  name    = each.value.name
  type    = each.value.type

  alias {
    name                   = each.value.dns_name
    zone_id                = each.value.zone_id
    evaluate_target_health = true
  }
}
