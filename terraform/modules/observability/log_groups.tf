locals {
  app_is_infrequent = var.app_log_group_class == "INFREQUENT_ACCESS"

  # A group's class cannot be changed. With a name of its own for each class the new group stands before the old one is
  # deleted, and the tasks are rolled out anew: else those that run would write to a group that is gone.
  log_groups = {
    app        = local.app_is_infrequent ? "app-infrequent" : "app"
    prometheus = "prometheus"
    collector  = "collector"
  }
}

# Who writes where: the application's own lines, Prometheus', and those of the collector that forwards traces.
resource "aws_cloudwatch_log_group" "this" {
  for_each = local.log_groups

  #checkov:skip=CKV_AWS_158: CloudWatch encrypts with a key of its own; lines hold no secrets that a key of ours would guard.
  #checkov:skip=CKV_AWS_338: how long lines are kept is the environment's choice (log_retention_days), not always a year.
  name              = "/ecs/${var.name}/${each.value}"
  retention_in_days = var.log_retention_days
  log_group_class   = each.key == "app" && local.app_is_infrequent ? "INFREQUENT_ACCESS" : null

  lifecycle {
    create_before_destroy = true
  }
}
