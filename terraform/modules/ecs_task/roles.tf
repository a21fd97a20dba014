resource "aws_iam_role" "task" {
  name               = "${var.name}-task"
  description        = "The program of ${var.name} calls AWS with it"
  assume_role_policy = var.trust_policy
}

resource "aws_iam_role_policy" "task" {
  name   = "run"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.task.json
}

data "aws_iam_policy_document" "task" {
  statement {
    sid       = "ReadSecrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = values(var.readable_secret_arns)
  }

  dynamic "statement" {
    for_each = length(var.database_login_arns) > 0 ? [1] : []

    content {
      sid       = "LogInToTheDatabase"
      actions   = ["rds-db:connect"]
      resources = values(var.database_login_arns)
    }
  }
}
