mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/r" }
  }
  mock_resource "aws_db_instance" {
    defaults = {
      address            = "db.example"
      arn                = "arn:aws:rds:eu-west-1:123456789012:db:test-shop"
      resource_id        = "db-ABC"
      master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds", kms_key_id = "k", secret_status = "active" }]
    }
  }
  mock_resource "aws_db_proxy" {
    defaults = { endpoint = "proxy.example", arn = "arn:aws:rds:eu-west-1:123456789012:db-proxy:prx-0abc" }
  }
  mock_resource "aws_db_proxy_default_target_group" {
    defaults = { name = "default" } # a name by chance may begin with a digit, which the target refuses
  }
}

variables {
  name                      = "test-shop"
  vpc_id                    = "vpc-1"
  subnet_ids                = ["subnet-1", "subnet-2"]
  client_security_group_ids = { app = "sg-1" }
  instance_class            = "db.t4g.micro"
  storage                   = { gib = 20, max_gib = 100 }
  multi_az                  = true
  backup_retention_days     = 7
  service_user              = "shop_service"
}

run "private_encrypted_and_protected" {
  command = apply

  assert {
    condition     = !aws_db_instance.this.publicly_accessible && aws_db_instance.this.storage_encrypted && aws_db_instance.this.deletion_protection
    error_message = "Never public, always encrypted, not deleted by mistake."
  }

  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password == null
    error_message = "RDS makes the password; it must not be in the state."
  }

  assert {
    condition     = contains([for parameter in aws_db_parameter_group.this.parameter : "${parameter.name}=${parameter.value}"], "rds.force_ssl=1")
    error_message = "RDS must refuse connections without TLS."
  }

  assert {
    condition     = alltrue([for name in ["statement_timeout", "idle_in_transaction_session_timeout"] : contains([for parameter in aws_db_parameter_group.this.parameter : parameter.name], name)])
    error_message = "The server bounds statements and idle transactions."
  }

  assert {
    condition     = aws_db_instance.this.multi_az && aws_db_instance.this.performance_insights_enabled && length(aws_db_instance.this.enabled_cloudwatch_logs_exports) == 2
    error_message = "A standby, insights and logs."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.clients : rule.cidr_ipv4 == null && rule.from_port == 5432 && rule.to_port == 5432])
    error_message = "Only security groups, only PostgreSQL's port."
  }

  assert {
    condition     = output.max_connections == 91 && output.burstable && output.address == "db.example"
    error_message = "A db.t4g.micro accepts about a hundred connections."
  }
}

run "the_service_logs_in_by_token_as_a_user_of_its_own" {
  command = plan # on top of the run before

  assert {
    condition     = aws_db_instance.this.iam_database_authentication_enabled && output.login_arn == "arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-ABC/shop_service"
    error_message = "The instance must accept tokens; the ARN must name this instance and the service's user."
  }

  assert {
    condition     = output.owner_username == "shop" && output.owner_secret_arn == "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds" && output.instance_address == "db.example"
    error_message = "The service's user must not be the owner."
  }
}

run "logs_and_names" {
  command = plan # on top of the first run

  assert {
    condition     = { for key, group in aws_cloudwatch_log_group.this : group.name => group.retention_in_days } == { "/aws/rds/instance/test-shop/postgresql" = 30, "/aws/rds/instance/test-shop/upgrade" = 30 }
    error_message = "RDS' logs must have a retention."
  }

  assert {
    condition     = one([for parameter in aws_db_parameter_group.this.parameter : parameter.apply_method if parameter.name == "rds.force_ssl"]) == "pending-reboot"
    error_message = "With the method immediate, every plan would show a change."
  }

  assert {
    condition     = output.identifier == "test-shop" && output.database_name == "shop" && output.port == 5432
    error_message = "The outputs must be the instance's address, port and database."
  }
}

run "proxy" {
  command = apply

  variables {
    proxy_enabled      = true
    service_user       = "shop_service_password"
    service_secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:service"
  }

  assert {
    condition     = one(aws_db_proxy.this[0].auth).iam_auth == "REQUIRED" && one(aws_db_proxy.this[0].auth).secret_arn == "arn:aws:secretsmanager:eu-west-1:123456789012:secret:service"
    error_message = "Clients use a token; the proxy logs in as the service, never as the owner."
  }

  assert {
    condition     = flatten(data.aws_iam_policy_document.proxy[0].statement[*].resources) == ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:service"]
    error_message = "The proxy reads that one secret."
  }

  assert {
    condition     = output.login_arn == "arn:aws:rds-db:eu-west-1:123456789012:dbuser:prx-0abc/shop_service_password"
    error_message = "The login ARN must name the proxy by its id."
  }

  assert {
    condition     = output.instance_address == "db.example"
    error_message = "The owner connects to the instance, not to the proxy."
  }

  assert {
    condition     = aws_db_proxy.this[0].require_tls && output.address == "proxy.example"
    error_message = "Programs connect to the proxy, by TLS."
  }
}

run "a_proxy_for_clients_with_passwords" {
  command = plan

  variables {
    proxy_enabled      = true
    iam_auth_enabled   = false
    service_secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:service"
  }

  assert {
    condition     = one(aws_db_proxy.this[0].auth).iam_auth == "DISABLED" && !aws_db_instance.this.iam_database_authentication_enabled
    error_message = "Without IAM authentication the proxy must not require tokens."
  }
}

run "a_proxy_that_cannot_log_in_is_refused" {
  command = plan

  variables {
    proxy_enabled = true
  }

  expect_failures = [aws_db_proxy.this]
}

run "a_version_that_the_proxy_does_not_support_is_refused" {
  command = plan

  variables {
    proxy_enabled      = true
    service_secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:service"
    engine_version     = "18"
  }

  expect_failures = [aws_db_proxy.this]
}

run "bad_values_are_refused" {
  command = plan

  variables {
    name                           = "Test--"
    instance_class                 = "db.x9z.huge"
    subnet_ids                     = ["subnet-1"]
    engine_version                 = "17.2"
    storage                        = { gib = 20, max_gib = 20 }
    backup_retention_days          = 0
    log_retention_days             = 31
    statement_timeout_ms           = 0
    idle_in_transaction_timeout_ms = 0
  }

  expect_failures = [
    var.name, var.instance_class, var.subnet_ids, var.engine_version, var.storage, var.backup_retention_days,
    var.log_retention_days, var.statement_timeout_ms, var.idle_in_transaction_timeout_ms,
  ]
}
