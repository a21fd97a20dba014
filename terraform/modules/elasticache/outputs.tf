output "address" {
  description = "Address of the current primary."
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}

output "port" {
  description = "Port of the cache."
  value       = aws_elasticache_replication_group.this.port
}

output "secret_arn" {
  description = "Secret with username and password."
  value       = module.secret.arn
}

output "replication_group_id" {
  description = "Id of the replication group."
  value       = aws_elasticache_replication_group.this.id
}

output "member_cluster_ids" {
  description = "Ids of the nodes, known before they exist."
  value       = [for number in range(1, var.replicas + 2) : format("%s-%03d", var.name, number)]
}

output "security_group_id" {
  description = "Security group of the cache."
  value       = aws_security_group.this.id
}
