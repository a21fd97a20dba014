resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158: encrypted with CloudWatch's own key
  #checkov:skip=CKV_AWS_338: log_retention_days is the caller's choice
  name              = "/ecs/${var.name}"
  retention_in_days = var.log_retention_days
}
