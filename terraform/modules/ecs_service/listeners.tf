resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}

# A rule for each path: it takes three patterns, and a rule may have five.
resource "aws_lb_listener_rule" "hidden" {
  for_each = { for index, path in var.hidden_paths : path => index }

  listener_arn = aws_lb_listener.https.arn
  priority     = 10 + each.value

  # The server may treat /metrics/, //metrics and /stage/metrics as /metrics; the load balancer compares literally.
  condition {
    path_pattern {
      values = [each.key, "*${each.key}", "*${each.key}/*"]
    }
  }

  action {
    type = "fixed-response"

    fixed_response {
      content_type = "application/json"
      message_body = "{\"message\":\"Not Found\"}"
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"

    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}
