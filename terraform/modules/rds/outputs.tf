output "address" {
  description = "Where to connect: the proxy, where there is one."
  value       = var.proxy_enabled ? aws_db_proxy.this[0].endpoint : aws_db_instance.this.address
}

output "port" {
  description = "The port."
  value       = 5432
}

output "database_name" {
  description = "The database."
  value       = aws_db_instance.this.db_name
}

output "username" {
  description = "The user, whose password is in the secret."
  value       = aws_db_instance.this.username
}

output "secret_arn" {
  description = "The secret with username and password, which RDS rotates."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}

output "identifier" {
  description = "The instance."
  value       = aws_db_instance.this.identifier
}

output "security_group_id" {
  description = "Its security group."
  value       = aws_security_group.this.id
}

output "max_connections" {
  description = "How many connections the class accepts from programs."
  value       = local.max_connections
}

output "burstable" {
  description = "Whether the class earns CPU credits."
  value       = startswith(var.instance_class, "db.t")
}
