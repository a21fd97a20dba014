mock_provider "aws" {}

variables {
  name = "dev-chalice-app"
}

run "two_repositories" {
  command = apply

  assert {
    condition     = toset([for repository in aws_ecr_repository.this : repository.name]) == toset(["dev-chalice-app", "dev-chalice-app-prometheus"])
    error_message = "The pipeline pushes to <env>-<service> and <env>-<service>-prometheus."
  }

  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.image_tag_mutability == "IMMUTABLE" && repository.image_scanning_configuration[0].scan_on_push])
    error_message = "Tags must not move, and every image must be scanned."
  }

  assert {
    condition = alltrue([
      for rule in flatten([for policy in aws_ecr_lifecycle_policy.this : jsondecode(policy.policy).rules]) :
      rule.selection.tagStatus == (rule.rulePriority == 1 ? "untagged" : "tagged")
    ])
    error_message = "Images are kept by their tags: what an index refers to has none, and must not be counted."
  }

  assert {
    condition     = toset(keys(output.repository_urls)) == toset(["app", "prometheus"])
    error_message = "Both must be told."
  }
}

run "images_hold_their_repository" {
  command = plan

  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : !repository.force_delete])
    error_message = "Images must not go with a repository unless that is asked for."
  }
}

run "unless_they_may_go" {
  command = plan

  variables {
    force_delete = true
  }

  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.force_delete])
    error_message = "A stack that is tried out goes with its images."
  }
}

run "too_few_images_are_refused" {
  command = plan

  variables {
    kept_images = 1
  }

  expect_failures = [var.kept_images]
}
