data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    # ECS takes the role for tasks of this account only, whoever asks it to.
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

# Who starts the task: fetches its image and the secrets in its environment, opens its log.
resource "aws_iam_role" "execution" {
  name               = "${var.name}-execution"
  description        = "Starts the tasks of ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "execution" {
  name   = "start"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}

data "aws_caller_identity" "current" {}

locals {
  images   = concat([var.container.image], var.tracing_sidecar[*].image)
  log_arns = concat([var.log_group_arn], var.tracing_sidecar[*].log_group.arn)

  # Images in private repositories, whosever they are: account, region, name. Public ones need no permission.
  repositories = [
    for parts in flatten([for image in local.images : regexall("^(?P<account>[0-9]{12})[.]dkr[.]ecr[.](?P<region>[a-z0-9-]+)[.]amazonaws[.]com/(?P<name>[^:@]+)", image)]) :
    "arn:aws:ecr:${parts.region}:${parts.account}:repository/${parts.name}"
  ]

  # ECS takes one key of a secret by ARN:key:stage:version; permission is for the secret.
  secret_arns = distinct([for arn in values(var.secrets) : join(":", slice(split(":", arn), 0, 7))])
}

data "aws_iam_policy_document" "execution" {
  #checkov:skip=CKV_AWS_356: ecr:GetAuthorizationToken knows no resources
  statement {
    sid       = "LogInToEcr"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  dynamic "statement" {
    for_each = length(local.repositories) > 0 ? [1] : []

    content {
      sid       = "FetchTheImage"
      actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      resources = local.repositories
    }
  }

  statement {
    sid       = "WriteLines"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = [for arn in local.log_arns : "${arn}:*"]
  }

  dynamic "statement" {
    for_each = length(var.secrets) > 0 ? [1] : []

    content {
      sid       = "ReadTheSecretsOfItsEnvironment"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = local.secret_arns
    }
  }
}

# Who the program is: reads the secrets it names, and does what it was given permission for.
resource "aws_iam_role" "task" {
  name               = "${var.name}-task"
  description        = "The program of ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

locals {
  may_anything = length(var.readable_secret_arns) > 0 || length(var.database_login_arns) > 0 || length(var.permissions) > 0 || var.tracing_sidecar != null || var.volume != null
}

resource "aws_iam_role_policy" "task" {
  count = local.may_anything ? 1 : 0

  name   = "run"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.task.json
}

data "aws_iam_policy_document" "task" {
  #checkov:skip=CKV_AWS_356: X-Ray's write actions know no resources
  #checkov:skip=CKV_AWS_111: and no conditions that would fit
  dynamic "statement" {
    for_each = length(var.readable_secret_arns) > 0 ? [1] : []

    content {
      sid       = "ReadSecrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = values(var.readable_secret_arns)
    }
  }

  dynamic "statement" {
    for_each = length(var.database_login_arns) > 0 ? [1] : []

    content {
      sid       = "LogInToTheDatabase"
      actions   = ["rds-db:connect"]
      resources = values(var.database_login_arns)
    }
  }

  dynamic "statement" {
    for_each = var.tracing_sidecar[*]

    content {
      sid       = "SendTraces"
      actions   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
      resources = ["*"]
    }
  }

  dynamic "statement" {
    for_each = var.volume[*]

    content {
      sid       = "MountItsVolume"
      actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
      resources = [statement.value.file_system_arn]

      condition {
        test     = "StringEquals"
        variable = "elasticfilesystem:AccessPointArn"
        values   = [statement.value.access_point_arn]
      }
    }
  }

  dynamic "statement" {
    for_each = var.permissions

    content {
      sid       = statement.key
      actions   = statement.value.actions
      resources = statement.value.resources

      dynamic "condition" {
        for_each = statement.value.equals

        content {
          test     = "StringEquals"
          variable = condition.key
          values   = condition.value
        }
      }
    }
  }
}
