output "role_arn" {
  description = "What AWS_ROLE_ARN is set to in GitHub."
  value       = aws_iam_role.deploy.arn
}

output "subjects" {
  description = "The subjects of tokens that the role trusts."
  value       = flatten([for conditions in values(local.trusted) : conditions.sub])
}
