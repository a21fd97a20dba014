output "url" {
  description = "Public URL of the application."
  value       = "https://${var.domain_name}"
}

output "prometheus_url" {
  description = "Public URL of Prometheus, which asks for a password."
  value       = "https://${var.prometheus_domain_name}"
}

output "repository_urls" {
  description = "URLs of the image repositories, by name: app and prometheus."
  value       = module.ecr.repository_urls
}

output "cluster_name" {
  description = "Name of the ECS cluster."
  value       = module.cluster.cluster_name
}

output "service_name" {
  description = "Name of the application's ECS service."
  value       = module.app.service_name
}

output "task_definition_arn" {
  description = "Task definition of the application."
  value       = module.app.task_definition_arn
}

output "prometheus_task_definition_arn" {
  description = "Task definition of Prometheus."
  value       = module.prometheus.task_definition_arn
}

output "task_definition_family" {
  description = "Family of the application's task definition."
  value       = module.app.task_definition_family
}

output "migration_task_definition_arn" {
  description = "Task definition of the migration."
  value       = module.migration.task_definition_arn
}

output "database_login_arn" {
  description = "ARN of the service's database user, for the permission rds-db:connect."
  value       = module.database.login_arn
}

output "private_subnet_ids" {
  description = "Private subnets, for Lambda (docs/lambda.md)."
  value       = module.network.private_subnet_ids
}

output "task_subnet_ids" {
  description = "Subnets of the tasks: private, or public with public_tasks."
  value       = local.task_subnet_ids
}

output "task_public_ip" {
  description = "Whether tasks get a public address: ENABLED or DISABLED, as ECS spells it."
  value       = length(module.network.nat_gateway_ids) == 0 ? "ENABLED" : "DISABLED" # known once the network exists
}

output "task_security_group_id" {
  description = "Security group of the application's tasks."
  value       = module.app.task_security_group_id
}

output "api_keys_secret_arn" {
  description = "Secret with the API keys for writes."
  value       = module.api_keys.arn
}

output "deploy_role_arn" {
  description = "Role that the GitHub workflows assume; null without github_repository."
  value       = one(module.github_oidc[*].role_arn)
}

output "deploy_role_subjects" {
  description = "Subjects of GitHub tokens that the role trusts; null without github_repository."
  value       = one(module.github_oidc[*].subjects)
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard."
  value       = module.observability.dashboard_name
}
