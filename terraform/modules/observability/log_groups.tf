# Who writes where: the application's own lines, Prometheus', and those of the collector that forwards traces.
resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(["app", "prometheus", "collector"])

  #checkov:skip=CKV_AWS_158: CloudWatch encrypts with a key of its own; lines hold no secrets that a key of ours would guard.
  #checkov:skip=CKV_AWS_338: how long lines are kept is the environment's choice (log_retention_days), not always a year.
  name              = "/ecs/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
}
