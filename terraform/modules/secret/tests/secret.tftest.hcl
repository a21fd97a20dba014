mock_provider "aws" {}

variables {
  name        = "test-shop-api-keys"
  description = "Keys"
}

run "the_password_is_in_no_plan_and_no_state" {
  command = apply

  assert {
    condition     = aws_secretsmanager_secret_version.this.secret_string_wo == null && aws_secretsmanager_secret_version.this.secret_string_wo_version == 1
    error_message = "The password must be in no plan and no state."
  }
}

run "a_higher_version_creates_a_new_password" {
  command = apply

  variables {
    username         = "shop"
    password_version = 2
  }

  assert {
    condition     = output.password_version == 2
    error_message = "The outputs must change with the password."
  }
}

run "an_invalid_recovery_window_is_refused" {
  command = plan

  variables {
    recovery_window_days = 3
  }

  expect_failures = [var.recovery_window_days]
}
