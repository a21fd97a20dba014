output "address" {
  description = "The primary, whichever node that is."
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}

output "port" {
  description = "The port."
  value       = aws_elasticache_replication_group.this.port
}

output "secret_arn" {
  description = "The secret with username and password."
  value       = module.secret.arn
}

output "replication_group_id" {
  description = "The replication group."
  value       = aws_elasticache_replication_group.this.id
}

output "member_cluster_ids" {
  description = "Its nodes: their names are known before they exist."
  value       = [for number in range(1, var.replicas + 2) : format("%s-%03d", var.name, number)]
}

output "security_group_id" {
  description = "Its security group."
  value       = aws_security_group.this.id
}
