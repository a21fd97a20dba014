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
    error_message = "Only tags are counted: the images of an index have none, and must not count."
  }

  assert {
    condition     = toset(keys(output.repository_urls)) == toset(["app", "prometheus"])
    error_message = "Both repositories must be in the outputs."
  }
}

run "a_repository_with_images_is_not_deleted" {
  command = plan

  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : !repository.force_delete])
    error_message = "Images must not be deleted with the repository by default."
  }
}

run "force_delete_deletes_it_with_its_images" {
  command = plan

  variables {
    force_delete = true
  }

  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.force_delete])
    error_message = "force_delete must delete images too."
  }
}

run "too_few_images_are_refused" {
  command = plan

  variables {
    kept_images = 1
  }

  expect_failures = [var.kept_images]
}
