output "repository_urls" {
  description = "Where images are pushed: app and prometheus."
  value       = { for key, repository in aws_ecr_repository.this : key => repository.repository_url }
}

output "repository_arns" {
  description = "The repositories' ARNs: app and prometheus."
  value       = { for key, repository in aws_ecr_repository.this : key => repository.arn }
}
