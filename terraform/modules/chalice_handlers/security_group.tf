# No traffic in: no request reaches these tasks. `security_group_id` is an output, for a rule of Prometheus.
resource "aws_security_group" "this" {
  name        = "${var.name}-handlers"
  description = "The tasks of ${var.name}"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-handlers" }
}

resource "aws_vpc_security_group_egress_rule" "to_groups" {
  for_each = var.egress

  security_group_id            = aws_security_group.this.id
  description                  = "To ${each.key}"
  referenced_security_group_id = each.value.security_group_id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "to_internet" {
  count = var.internet_egress ? 1 : 0

  security_group_id = aws_security_group.this.id
  description       = "To AWS services without a VPC endpoint, by HTTPS"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
