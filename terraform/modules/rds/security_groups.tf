resource "aws_security_group" "this" {
  #checkov:skip=CKV2_AWS_5: it is attached to the instance
  name        = "${var.name}-database"
  description = "PostgreSQL of ${var.name}"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-database" }
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = var.client_security_group_ids

  security_group_id            = aws_security_group.this.id
  description                  = "PostgreSQL from ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

# The proxy is in the same security group as the instance and connects to it.
resource "aws_vpc_security_group_ingress_rule" "proxy" {
  count = var.proxy_enabled ? 1 : 0

  security_group_id            = aws_security_group.this.id
  description                  = "PostgreSQL from the proxy"
  referenced_security_group_id = aws_security_group.this.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_egress_rule" "proxy" {
  count = var.proxy_enabled ? 1 : 0

  security_group_id            = aws_security_group.this.id
  description                  = "PostgreSQL from the proxy to the instance"
  referenced_security_group_id = aws_security_group.this.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}
