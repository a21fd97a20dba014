output "cluster_arn" {
  description = "ARN of the cluster."
  value       = aws_ecs_cluster.this.arn
}

output "cluster_name" {
  description = "Name of the cluster."
  value       = aws_ecs_cluster.this.name
}

output "namespace_id" {
  description = "Id of the Cloud Map namespace in which services register their tasks."
  value       = aws_service_discovery_private_dns_namespace.this.id
}

output "namespace_name" {
  description = "Name of that namespace: the private DNS domain of the tasks."
  value       = aws_service_discovery_private_dns_namespace.this.name
}
