output "role_arn" {
  description = "ARN of the role, the value of AWS_ROLE_ARN in GitHub."
  value       = aws_iam_role.deploy.arn
}

output "subjects" {
  description = "Subjects of the tokens that the role trusts."
  value       = flatten([for conditions in values(local.trusted) : conditions.sub])
}
