output "address" {
  description = "Address for clients: of the proxy, if there is one, otherwise of the instance."
  value       = var.proxy_enabled ? aws_db_proxy.this[0].endpoint : aws_db_instance.this.address
}

output "port" {
  description = "Port of the database."
  value       = 5432
}

output "database_name" {
  description = "Name of the database."
  value       = aws_db_instance.this.db_name
}

output "instance_address" {
  description = "Address of the instance, even with a proxy: for the database's owner."
  value       = aws_db_instance.this.address
}

output "owner_username" {
  description = "Username of the database's owner."
  value       = aws_db_instance.this.username
}

output "owner_secret_arn" {
  description = "Secret with the owner's username and password, which RDS rotates."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}

output "login_arn" {
  description = "ARN of the service's database user, for the permission rds-db:connect."
  value       = "arn:${local.target_arn[1]}:rds-db:${local.target_arn[3]}:${local.target_arn[4]}:dbuser:${local.target_id}/${var.service_user}"
}

output "identifier" {
  description = "Identifier of the instance."
  value       = aws_db_instance.this.identifier
}

output "security_group_id" {
  description = "Security group of the database and the proxy."
  value       = aws_security_group.this.id
}

output "max_connections" {
  description = "Connections that the instance class accepts from clients."
  value       = local.max_connections
}

output "burstable" {
  description = "Whether the instance class earns CPU credits."
  value       = startswith(var.instance_class, "db.t")
}
