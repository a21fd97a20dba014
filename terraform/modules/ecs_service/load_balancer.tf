resource "aws_lb" "this" {
  #checkov:skip=CKV2_AWS_76: WAF, if enabled, has the rules for Log4j (waf.tf)
  #checkov:skip=CKV2_AWS_28: WAF is a variable; the public routes have no forms and no logins
  name                       = var.name
  load_balancer_type         = "application"
  internal                   = false
  subnets                    = var.public_subnet_ids
  security_groups            = [aws_security_group.load_balancer.id]
  idle_timeout               = 60 # less than the tasks' 75 s: the load balancer must close first
  drop_invalid_header_fields = true
  desync_mitigation_mode     = "strictest"
  enable_deletion_protection = var.deletion_protection

  access_logs {
    bucket  = aws_s3_bucket.access_logs.id
    enabled = true
  }

  depends_on = [aws_s3_bucket_policy.access_logs]
}

resource "aws_lb_target_group" "this" {
  #checkov:skip=CKV_AWS_378: TLS ends at the load balancer; security groups admit only it to the tasks
  name                 = var.name
  vpc_id               = var.vpc_id
  target_type          = "ip"
  protocol             = "HTTP"
  port                 = var.container.port
  deregistration_delay = var.deregistration_delay_seconds

  health_check {
    path                = var.health_check_path
    matcher             = var.health_check_matcher
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }

  lifecycle {
    precondition {
      condition     = var.deregistration_delay_seconds <= var.drain_seconds
      error_message = "deregistration_delay_seconds (${var.deregistration_delay_seconds}) must not exceed drain_seconds (${var.drain_seconds}): the task would stop while the load balancer still waits for its responses."
    }
  }
}
