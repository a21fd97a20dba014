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

output "instance_address" {
  description = "The instance itself, past a proxy: where its owner connects."
  value       = aws_db_instance.this.address
}

output "owner_username" {
  description = "The database's owner, whose password is in the secret."
  value       = aws_db_instance.this.username
}

output "owner_secret_arn" {
  description = "The secret with the owner's username and password, which RDS rotates."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}

output "login_arn" {
  description = "The service's user as IAM names it: what rds-db:connect is allowed for."
  value       = "arn:${local.target_arn[1]}:rds-db:${local.target_arn[3]}:${local.target_arn[4]}:dbuser:${local.target_id}/${var.service_user}"
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
