locals {
  logs = ["postgresql", "upgrade"]
}

# RDS writes to log groups with these names.
resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158: encrypted with CloudWatch's own key
  #checkov:skip=CKV_AWS_338: the retention is a variable; a year of slow statements is of no use
  for_each = toset(local.logs)

  name              = "/aws/rds/instance/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
}
