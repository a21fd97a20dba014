mock_provider "aws" {}

variables {
  name        = "test-shop-api-keys"
  description = "Keys"
}

run "nobody_sees_it" {
  command = apply

  assert {
    condition     = aws_secretsmanager_secret_version.this.secret_string_wo == null && aws_secretsmanager_secret_version.this.secret_string_wo_version == 1
    error_message = "The password must be in no plan and no state."
  }
}

run "raising_the_version_makes_another" {
  command = apply

  variables {
    username         = "shop"
    password_version = 2
  }

  assert {
    condition     = output.password_version == 2
    error_message = "Who depends on the secret must see that it has changed."
  }
}

run "a_window_that_aws_does_not_know_is_refused" {
  command = plan

  variables {
    recovery_window_days = 3
  }

  expect_failures = [var.recovery_window_days]
}
