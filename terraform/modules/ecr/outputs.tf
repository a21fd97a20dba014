output "repository_urls" {
  description = "URLs of the repositories, by name: app and prometheus."
  value       = { for key, repository in aws_ecr_repository.this : key => repository.repository_url }
}

output "repository_arns" {
  description = "ARNs of the repositories, by name: app and prometheus."
  value       = { for key, repository in aws_ecr_repository.this : key => repository.arn }
}
