resource "aws_db_subnet_group" "this" {
  name        = var.name
  description = "Isolated subnets of ${var.name}"
  subnet_ids  = var.subnet_ids
}

resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_161: a variable; the smallest class has too little memory for it
  #checkov:skip=CKV_AWS_157: a variable; dev does without
  #checkov:skip=CKV_AWS_354: Performance Insights are encrypted with RDS' own key
  identifier     = var.name
  engine         = "postgres"
  engine_version = var.engine_version
  instance_class = var.instance_class

  db_name                     = "shop"
  username                    = "shop"
  manage_master_user_password = true # RDS creates and rotates the password in Secrets Manager; it is never in the state

  iam_database_authentication_enabled = var.iam_auth_enabled

  storage_type          = "gp3"
  storage_encrypted     = true
  allocated_storage     = var.storage.gib
  max_allocated_storage = var.storage.max_gib

  multi_az               = var.multi_az
  publicly_accessible    = false
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]
  parameter_group_name   = aws_db_parameter_group.this.name

  backup_retention_period    = var.backup_retention_days
  backup_window              = "02:00-03:00"
  maintenance_window         = "sun:03:30-sun:04:30"
  copy_tags_to_snapshot      = true
  auto_minor_version_upgrade = true
  deletion_protection        = var.deletion_protection
  skip_final_snapshot        = var.skip_final_snapshot
  final_snapshot_identifier  = var.skip_final_snapshot ? null : "${var.name}-last"

  enabled_cloudwatch_logs_exports       = local.logs
  performance_insights_enabled          = true
  performance_insights_retention_period = 7
  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.monitoring.arn

  depends_on = [aws_cloudwatch_log_group.this] # otherwise RDS creates the log groups without a retention
}
