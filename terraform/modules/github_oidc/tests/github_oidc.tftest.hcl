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
    condition = {
      for statement in data.aws_iam_policy_document.trust.statement : statement.sid => {
        for condition in statement.condition : "${condition.test} ${condition.variable}" => toset(condition.values)
      }
      } == {
      Branches = {
        "StringEquals token.actions.githubusercontent.com:aud" = toset(["sts.amazonaws.com"])
        "StringEquals token.actions.githubusercontent.com:sub" = toset(["repo:example/shop:ref:refs/heads/main"])
      }
    }
    error_message = "Only the main branch of the repository may deploy, and only with a token that was made for AWS."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.deploy.statement :
      statement.sid == "LogInToEcr" || !contains(statement.resources, "*")
    ])
    error_message = "Only LogInToEcr may have the resource *."
  }

  assert {
    condition = alltrue(flatten([
      for statement in data.aws_iam_policy_document.deploy.statement :
      [for resource in statement.resources : contains([
        "arn:aws:ecs:eu-west-1:123456789012:task-definition/dev-chalice-app-migration:*",
        "arn:aws:iam::123456789012:role/dev-chalice-app-execution",
        "arn:aws:iam::123456789012:role/dev-chalice-app-migration-task",
      ], resource)]
      if contains(["Migrate", "PassTaskRoles"], statement.sid)
    ]))
    error_message = "The migration runs from its own task definition: the service's tasks cannot be started with another command."
  }

  assert {
    condition     = alltrue(flatten([for statement in data.aws_iam_policy_document.deploy.statement : [for action in statement.actions : !endswith(action, "*")]]))
    error_message = "Actions are named one by one."
  }
}

run "with_ids_both_forms_are_trusted_and_the_older_one_of_that_repository_alone" {
  command = plan

  variables {
    repository_ids = { owner = 123456, repository = 456789 }
    branches       = ["main", "release"]
  }

  assert {
    condition = {
      for statement in data.aws_iam_policy_document.trust.statement : statement.sid => {
        for condition in statement.condition : "${condition.test} ${condition.variable}" => toset(condition.values)
      }
      } == {
      Branches = {
        "StringEquals token.actions.githubusercontent.com:aud"           = toset(["sts.amazonaws.com"])
        "StringEquals token.actions.githubusercontent.com:repository_id" = toset(["456789"])
        "StringEquals token.actions.githubusercontent.com:sub" = toset([
          "repo:example/shop:ref:refs/heads/main",
          "repo:example/shop:ref:refs/heads/release",
          "repo:example@123456/shop@456789:ref:refs/heads/main",
          "repo:example@123456/shop@456789:ref:refs/heads/release",
        ])
      }
    }
    error_message = "Both forms of the subject, compared whole, and of this repository by its number."
  }
}

run "an_environment_is_trusted_in_both_forms_but_from_the_named_branches_alone" {
  command = plan

  variables {
    repository_ids = { owner = 123456, repository = 456789 }
    environment    = "prod"
  }

  assert {
    condition = {
      for statement in data.aws_iam_policy_document.trust.statement : statement.sid => {
        for condition in statement.condition : "${condition.test} ${condition.variable}" => toset(condition.values)
      }
      } == {
      Branches = {
        "StringEquals token.actions.githubusercontent.com:aud"           = toset(["sts.amazonaws.com"])
        "StringEquals token.actions.githubusercontent.com:repository_id" = toset(["456789"])
        "StringEquals token.actions.githubusercontent.com:sub" = toset([
          "repo:example/shop:ref:refs/heads/main",
          "repo:example@123456/shop@456789:ref:refs/heads/main",
        ])
      }
      Environment = {
        "StringEquals token.actions.githubusercontent.com:aud"           = toset(["sts.amazonaws.com"])
        "StringEquals token.actions.githubusercontent.com:ref"           = toset(["refs/heads/main"])
        "StringEquals token.actions.githubusercontent.com:repository_id" = toset(["456789"])
        "StringEquals token.actions.githubusercontent.com:sub" = toset([
          "repo:example/shop:environment:prod",
          "repo:example@123456/shop@456789:environment:prod",
        ])
      }
    }
    error_message = "The environment alone is not enough: a job of any branch can name it."
  }
}

run "an_environment_without_ids_is_trusted_by_names" {
  command = plan

  variables {
    environment = "prod"
  }

  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.trust.statement :
      [for condition in statement.condition : condition.values if endswith(condition.variable, ":sub")]
    ])) == toset(["repo:example/shop:ref:refs/heads/main", "repo:example/shop:environment:prod"])
    error_message = "Without ids there is no subject of the newer form."
  }
}

run "ids_as_large_as_githubs_are_written_out" {
  command = plan

  variables {
    repository_ids = { owner = 333232587, repository = 12651450269 }
  }

  assert {
    condition     = contains(local.trusted.Branches.sub, "repo:example@333232587/shop@12651450269:ref:refs/heads/main")
    error_message = "Every digit of an id, and no exponent."
  }
}

run "the_version_before_may_migrate_where_that_is_asked_for" {
  command = plan

  variables {
    service_task_runnable = true
  }

  assert {
    condition = alltrue([
      for arn in ["arn:aws:ecs:eu-west-1:123456789012:task-definition/dev-chalice-app:*", "arn:aws:iam::123456789012:role/dev-chalice-app-task"] :
      contains(flatten(data.aws_iam_policy_document.deploy.statement[*].resources), arn)
    ])
    error_message = "Its migration is a task of the service's definition, with that one's role."
  }
}

run "a_wildcard_is_refused" {
  command = plan

  variables {
    repository  = "example/*"
    branches    = ["*"]
    environment = "*"
  }

  expect_failures = [var.repository, var.branches, var.environment]
}

run "ids_have_a_variable_of_their_own_and_are_whole" {
  command = plan

  variables {
    repository     = "example@123456/shop@456789"
    repository_ids = { owner = 0, repository = 1.5 }
  }

  expect_failures = [var.repository, var.repository_ids]
}
