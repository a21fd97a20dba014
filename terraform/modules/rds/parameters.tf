resource "aws_db_parameter_group" "this" {
  name_prefix = "${var.name}-"
  description = "PostgreSQL of ${var.name}"
  family      = "postgres${var.engine_version}"

  # RDS refuses connections without TLS. From PostgreSQL 15 on this is the default, and AWS returns a default as
  # pending-reboot: with the method immediate, every plan would show a change.
  parameter {
    name         = "rds.force_ssl"
    value        = "1"
    apply_method = "pending-reboot"
  }

  parameter {
    name  = "statement_timeout"
    value = var.statement_timeout_ms
  }

  parameter {
    name  = "idle_in_transaction_session_timeout"
    value = var.idle_in_transaction_timeout_ms
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "500"
  }

  parameter {
    name  = "log_statement"
    value = "ddl"
  }

  lifecycle {
    create_before_destroy = true
  }
}
