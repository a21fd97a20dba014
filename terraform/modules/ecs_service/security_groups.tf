# Internet -> load balancer -> task port -> the task's dependencies. No other traffic in or out.
resource "aws_security_group" "load_balancer" {
  name        = "${var.name}-alb"
  description = "The load balancer of ${var.name}"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-alb" }
}

resource "aws_vpc_security_group_ingress_rule" "web" {
  #checkov:skip=CKV_AWS_260: port 80 only answers with a redirect
  for_each = { for pair in setproduct(var.allowed_cidrs, [80, 443]) : "${pair[0]} ${pair[1]}" => { cidr = pair[0], port = pair[1] } }

  security_group_id = aws_security_group.load_balancer.id
  description       = each.value.port == 443 ? "HTTPS" : "HTTP, redirected to HTTPS"
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "to_tasks" {
  security_group_id            = aws_security_group.load_balancer.id
  description                  = "To the tasks"
  referenced_security_group_id = aws_security_group.task.id
  ip_protocol                  = "tcp"
  from_port                    = var.container.port
  to_port                      = var.container.port
}

resource "aws_security_group" "task" {
  name        = "${var.name}-task"
  description = "The tasks of ${var.name}"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-task" }
}

resource "aws_vpc_security_group_ingress_rule" "from_load_balancer" {
  security_group_id            = aws_security_group.task.id
  description                  = "From the load balancer"
  referenced_security_group_id = aws_security_group.load_balancer.id
  ip_protocol                  = "tcp"
  from_port                    = var.container.port
  to_port                      = var.container.port
}

resource "aws_vpc_security_group_ingress_rule" "from_metrics_clients" {
  for_each = var.metrics_clients

  security_group_id            = aws_security_group.task.id
  description                  = "Metrics, from ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = var.container.port
  to_port                      = var.container.port
}

resource "aws_vpc_security_group_egress_rule" "to_groups" {
  for_each = var.egress

  security_group_id            = aws_security_group.task.id
  description                  = "To ${each.key}"
  referenced_security_group_id = each.value.security_group_id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "to_prefix_lists" {
  for_each = var.egress_prefix_lists

  security_group_id = aws_security_group.task.id
  description       = "To ${each.key}"
  prefix_list_id    = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "to_internet" {
  count = var.internet_egress ? 1 : 0

  security_group_id = aws_security_group.task.id
  description       = "To AWS services without a VPC endpoint, by HTTPS"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
