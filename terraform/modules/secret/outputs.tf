output "arn" {
  description = "The secret."
  value       = aws_secretsmanager_secret.this.arn
}

output "version_id" {
  description = "Secrets Manager's own name for the version that is there by now."
  value       = aws_secretsmanager_secret_version.this.version_id
}

output "password_version" {
  description = "The version that is there by now."
  value       = aws_secretsmanager_secret_version.this.secret_string_wo_version
}
