locals {
  nat_zones = slice(var.zones, 0, !var.nat_enabled ? 0 : var.single_nat_gateway ? 1 : length(var.zones))
}

resource "aws_eip" "nat" {
  #checkov:skip=CKV2_AWS_19: it belongs to a NAT gateway, not to an instance
  for_each = toset(local.nat_zones)

  domain = "vpc"

  tags = { Name = "${var.name}-nat-${each.key}" }
}

resource "aws_nat_gateway" "this" {
  for_each = aws_eip.nat

  subnet_id     = aws_subnet.public[each.key].id
  allocation_id = each.value.id

  tags = { Name = "${var.name}-${each.key}" }

  depends_on = [aws_internet_gateway.this]
}
