output "cluster_arn" {
  description = "The cluster."
  value       = aws_ecs_cluster.this.arn
}

output "cluster_name" {
  description = "Its name."
  value       = aws_ecs_cluster.this.name
}

output "namespace_id" {
  description = "Where services register their tasks."
  value       = aws_service_discovery_private_dns_namespace.this.id
}

output "namespace_name" {
  description = "The domain under which tasks are found."
  value       = aws_service_discovery_private_dns_namespace.this.name
}
