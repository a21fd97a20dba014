resource "aws_db_proxy" "this" {
  count = var.proxy_enabled ? 1 : 0

  name                   = var.name
  engine_family          = "POSTGRESQL"
  role_arn               = aws_iam_role.proxy[0].arn
  vpc_subnet_ids         = var.subnet_ids
  vpc_security_group_ids = [aws_security_group.this.id]
  require_tls            = true
  idle_client_timeout    = 1800

  # The proxy always logs in to the database with this secret, so the role has a password and is not a member of rds_iam.
  # (End-to-end IAM, default_auth_scheme, needs version 6 of the provider.)
  auth {
    auth_scheme = "SECRETS"
    iam_auth    = var.iam_auth_enabled ? "REQUIRED" : "DISABLED"
    secret_arn  = var.service_secret_arn
  }

  lifecycle {
    precondition {
      condition     = var.service_secret_arn != null
      error_message = "proxy_enabled needs service_secret_arn: RDS Proxy logs in with a secret, even for clients that use an IAM token."
    }

    precondition {
      condition     = tonumber(var.engine_version) <= 17
      error_message = "proxy_enabled needs an engine_version of 17 at most, the newest that RDS Proxy is known to support. Try a newer one by hand, then change this condition."
    }
  }
}

resource "aws_db_proxy_default_target_group" "this" {
  count = var.proxy_enabled ? 1 : 0

  db_proxy_name = aws_db_proxy.this[0].name

  connection_pool_config {
    max_connections_percent      = 90
    max_idle_connections_percent = 50
    connection_borrow_timeout    = 1 # longer than the application waits
  }
}

resource "aws_db_proxy_target" "this" {
  count = var.proxy_enabled ? 1 : 0

  db_proxy_name          = aws_db_proxy.this[0].name
  target_group_name      = aws_db_proxy_default_target_group.this[0].name
  db_instance_identifier = aws_db_instance.this.identifier
}

resource "aws_iam_role" "proxy" {
  count = var.proxy_enabled ? 1 : 0

  name               = "${var.name}-rds-proxy"
  description        = "RDS Proxy of ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.proxy_trust.json
}

data "aws_iam_policy_document" "proxy_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["rds.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "proxy" {
  count = var.proxy_enabled ? 1 : 0

  name   = "log-in"
  role   = aws_iam_role.proxy[0].id
  policy = data.aws_iam_policy_document.proxy[0].json
}

data "aws_iam_policy_document" "proxy" {
  count = var.proxy_enabled ? 1 : 0

  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = var.service_secret_arn[*]
  }
}
