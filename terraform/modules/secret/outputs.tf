output "arn" {
  description = "ARN of the secret."
  value       = aws_secretsmanager_secret.this.arn
}

output "version_id" {
  description = "Secrets Manager's id of the current version."
  value       = aws_secretsmanager_secret_version.this.version_id
}

output "password_version" {
  description = "Current password_version."
  value       = aws_secretsmanager_secret_version.this.secret_string_wo_version
}
