resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV_AWS_149: encrypted with Secrets Manager's own key
  #checkov:skip=CKV2_AWS_57: changed by raising password_version
  name                    = var.name
  description             = var.description
  recovery_window_in_days = var.recovery_window_days
}

# Made at the apply that creates the secret or raises the version, and forgotten: a write-only argument stands in no plan
# and no state. Two version 4 UUIDs are 244 bits from the system's generator. (An ephemeral
# aws_secretsmanager_random_password would do the same with a call, but keeps `terraform test` from playing the provider.)
resource "aws_secretsmanager_secret_version" "this" {
  secret_id                = aws_secretsmanager_secret.this.id
  secret_string_wo         = var.username == null ? replace("${uuid()}${uuid()}", "-", "") : jsonencode({ username = var.username, password = replace("${uuid()}${uuid()}", "-", "") })
  secret_string_wo_version = var.password_version
}
