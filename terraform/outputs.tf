output "url" {
  description = "Where the application answers."
  value       = "https://${var.domain_name}"
}

output "prometheus_url" {
  description = "Where Prometheus answers, to whom it knows."
  value       = "https://${var.prometheus_domain_name}"
}

output "repository_urls" {
  description = "Where images are pushed."
  value       = module.ecr.repository_urls
}

output "cluster_name" {
  description = "The cluster."
  value       = module.cluster.cluster_name
}

output "service_name" {
  description = "The application's service."
  value       = module.app.service_name
}

output "task_definition_arn" {
  description = "What its tasks are made from."
  value       = module.app.task_definition_arn
}

output "prometheus_task_definition_arn" {
  description = "What Prometheus' task is made from."
  value       = module.prometheus.task_definition_arn
}

output "task_definition_family" {
  description = "The family of that."
  value       = module.app.task_definition_family
}

output "migration_task_definition_arn" {
  description = "What the migration is made from."
  value       = module.migration.task_definition_arn
}

output "database_login_arn" {
  description = "The database's user, as IAM names it: who may rds-db:connect to it logs in as the service."
  value       = module.database.login_arn
}

output "private_subnet_ids" {
  description = "The private subnets: where tasks run, unless they are public, and Lambda (docs/lambda.md)."
  value       = module.network.private_subnet_ids
}

output "task_subnet_ids" {
  description = "Where tasks run."
  value       = local.task_subnet_ids
}

output "task_public_ip" {
  description = "Whether they get a public address, in ECS' words: ENABLED or DISABLED."
  value       = length(module.network.nat_gateway_ids) == 0 ? "ENABLED" : "DISABLED" # there as soon as the network is
}

output "task_security_group_id" {
  description = "The security group of the application's tasks."
  value       = module.app.task_security_group_id
}

output "api_keys_secret_arn" {
  description = "The secret with the keys that open the writes."
  value       = module.api_keys.arn
}

output "deploy_role_arn" {
  description = "The role that GitHub's workflows assume; null where they have keys."
  value       = one(module.github_oidc[*].role_arn)
}

output "deploy_role_subjects" {
  description = "The subjects of GitHub's tokens that the role trusts, written out; null where they have keys."
  value       = one(module.github_oidc[*].subjects)
}

output "dashboard_name" {
  description = "The CloudWatch dashboard."
  value       = module.observability.dashboard_name
}
