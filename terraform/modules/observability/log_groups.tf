locals {
  app_is_infrequent = var.app_log_group_class == "INFREQUENT_ACCESS"

  # The class of a log group cannot be changed. So each class has its own name: Terraform creates the new group first, the
  # new name starts a deployment, and running tasks keep a group to write to.
  log_groups = {
    app        = local.app_is_infrequent ? "app-infrequent" : "app"
    prometheus = "prometheus"
    collector  = "collector"
  }
}

# For the application, Prometheus with its companions, and the collector of traces.
resource "aws_cloudwatch_log_group" "this" {
  for_each = local.log_groups

  #checkov:skip=CKV_AWS_158: encrypted with CloudWatch's own key; log lines contain no secrets
  #checkov:skip=CKV_AWS_338: the retention is a variable (log_retention_days), not always a year
  name              = "/ecs/${var.name}/${each.value}"
  retention_in_days = var.log_retention_days
  log_group_class   = each.key == "app" && local.app_is_infrequent ? "INFREQUENT_ACCESS" : null

  lifecycle {
    create_before_destroy = true
  }
}
