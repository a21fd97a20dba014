resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV_AWS_149: encrypted with Secrets Manager's own key
  #checkov:skip=CKV2_AWS_57: rotated by increasing password_version
  name                    = var.name
  description             = var.description
  recovery_window_in_days = var.recovery_window_days
}

# Each apply that creates the secret or increases the version makes a new password. It is in no plan and no state, since
# the argument is write-only. Two version 4 UUIDs are 244 random bits. (An ephemeral aws_secretsmanager_random_password
# would need an AWS call, and `terraform test` cannot mock it.)
resource "aws_secretsmanager_secret_version" "this" {
  secret_id                = aws_secretsmanager_secret.this.id
  secret_string_wo         = var.username == null ? replace("${uuid()}${uuid()}", "-", "") : jsonencode({ username = var.username, password = replace("${uuid()}${uuid()}", "-", "") })
  secret_string_wo_version = var.password_version
}
