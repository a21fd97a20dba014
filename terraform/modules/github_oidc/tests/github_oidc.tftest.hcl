mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { name = "eu-west-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
  }
}

variables {
  name       = "dev-chalice-app"
  repository = "example/shop"
}

run "one_repository_and_branch" {
  command = apply

  assert {
    condition = contains(flatten([
      for condition in one(data.aws_iam_policy_document.trust.statement).condition : condition.values
    ]), "repo:example/shop:ref:refs/heads/main")
    error_message = "Only the main branch of the repository may deploy."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.deploy.statement :
      statement.sid == "LogInToEcr" || !contains(statement.resources, "*")
    ])
    error_message = "What knows resources must name them."
  }

  assert {
    condition = alltrue(flatten([
      for statement in data.aws_iam_policy_document.deploy.statement :
      [for resource in statement.resources : contains([
        "arn:aws:ecs:eu-west-1:123456789012:task-definition/dev-chalice-app:*",
        "arn:aws:iam::123456789012:role/dev-chalice-app-execution",
        "arn:aws:iam::123456789012:role/dev-chalice-app-task",
      ], resource)]
      if contains(["Migrate", "HandTheTaskItsRoles"], statement.sid)
    ]))
    error_message = "The migration runs from the application's task definition, with that one's roles."
  }

  assert {
    condition     = alltrue(flatten([for statement in data.aws_iam_policy_document.deploy.statement : [for action in statement.actions : !endswith(action, "*")]]))
    error_message = "Actions are named one by one."
  }
}

run "a_wildcard_is_refused" {
  command = plan

  variables {
    repository = "example/*"
    branches   = ["*"]
  }

  expect_failures = [var.repository, var.branches]
}
