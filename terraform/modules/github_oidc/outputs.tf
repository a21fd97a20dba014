output "role_arn" {
  description = "What AWS_ROLE_ARN is set to in GitHub."
  value       = aws_iam_role.deploy.arn
}
