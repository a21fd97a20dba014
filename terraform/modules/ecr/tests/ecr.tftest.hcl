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
    condition     = toset(keys(output.repository_urls)) == toset(["app", "prometheus"])
    error_message = "Both must be told."
  }
}

run "too_few_images_are_refused" {
  command = plan

  variables {
    kept_images = 1
  }

  expect_failures = [var.kept_images]
}
