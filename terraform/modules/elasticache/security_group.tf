resource "aws_security_group" "this" {
  #checkov:skip=CKV2_AWS_5: it is attached to the replication group
  name        = "${var.name}-cache"
  description = "The cache of ${var.name}"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-cache" }
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = var.client_security_group_ids

  security_group_id            = aws_security_group.this.id
  description                  = "Redis protocol from ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 6379
  to_port                      = 6379
}
