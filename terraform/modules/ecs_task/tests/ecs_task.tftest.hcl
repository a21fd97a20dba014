mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/r" }
  }
}

variables {
  name               = "dev-chalice-app-migration"
  region             = "eu-west-1"
  log_group_name     = "/ecs/dev-chalice-app/app"
  execution_role_arn = "arn:aws:iam::123456789012:role/dev-chalice-app-execution"
  trust_policy       = jsonencode({ Version = "2012-10-17", Statement = [] })
  container = {
    name    = "migration"
    image   = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/dev-chalice-app:0123abc"
    user    = "10001:10001"
    command = ["python", "-m", "chalicelib.migrate"]
  }
  environment          = { DATABASE_OWNER_URL = "postgresql://shop@db.example:5432/shop" }
  readable_secret_arns = { owner = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds" }
}

run "the_task_has_only_the_given_permissions" {
  command = apply

  assert {
    condition = alltrue([
      local.container.readonlyRootFilesystem, local.container.user == "10001:10001", !local.container.privileged,
      local.container.logConfiguration.options["mode"] == "blocking",
    ])
    error_message = "The container must be locked down and lose no log line."
  }

  assert {
    condition     = { for statement in data.aws_iam_policy_document.task.statement : statement.sid => tolist(statement.resources) } == { ReadSecrets = tolist(["arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds"]) }
    error_message = "The task may read only the given secrets."
  }

  assert {
    condition     = aws_ecs_task_definition.this.execution_role_arn == var.execution_role_arn && output.task_definition_arn != "" && output.task_role_arn == aws_iam_role.task.arn
    error_message = "The task has the service's execution role and its own task role."
  }

  assert {
    condition     = aws_iam_role.task.assume_role_policy == var.trust_policy
    error_message = "The role must have the given trust policy."
  }
}

run "the_task_may_log_in_to_the_given_database" {
  command = plan

  variables {
    database_login_arns = { service = "arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-ABC/shop_service" }
  }

  assert {
    condition = one([
      for statement in data.aws_iam_policy_document.task.statement : tolist(statement.resources) if tolist(statement.actions) == tolist(["rds-db:connect"])
    ]) == tolist(["arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-ABC/shop_service"])
    error_message = "It may log in as the given user of the given database."
  }
}

run "bad_values_are_refused" {
  command = plan

  variables {
    name      = "Migration"
    container = { name = "m", image = "i:1", user = "root", command = [] }

    environment          = { DATABASE_URL = "postgresql://shop:secret@db.example/shop" }
    readable_secret_arns = {}
  }

  expect_failures = [var.name, var.container, var.environment, var.readable_secret_arns]
}
