resource "aws_db_parameter_group" "this" {
  name_prefix = "${var.name}-"
  description = "PostgreSQL of ${var.name}"
  family      = "postgres${var.engine_version}"

  # Nobody connects in the clear, whatever a client asks for. From PostgreSQL 15 on this is RDS' default too, and a value
  # that is the default comes back as pending-reboot: with the usual method every plan would change it again.
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
