data "aws_caller_identity" "current" {}

# Trust policy of every task's role here, and of the migration's (modules/ecs_task).
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    # Only for tasks of this account.
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

# ECS starts tasks with this role: it pulls images, reads the secrets of the environment, and opens log streams.
resource "aws_iam_role" "execution" {
  name               = "${var.name}-execution"
  description        = "ECS starts the tasks of ${var.name} with it"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "execution" {
  name   = "start"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}

locals {
  images   = concat([var.container.image], var.tracing_sidecar[*].image)
  log_arns = concat([var.log_group_arn], var.tracing_sidecar[*].log_group.arn)

  # Images in private repositories of any account. Public images need no permission.
  repositories = [
    for parts in flatten([for image in local.images : regexall("^(?P<account>[0-9]{12})[.]dkr[.]ecr[.](?P<region>[a-z0-9-]+)[.]amazonaws[.]com/(?P<name>[^:@]+)", image)]) :
    "arn:aws:ecr:${parts.region}:${parts.account}:repository/${parts.name}"
  ]

  # A container may name one key of a secret (ARN:key:stage:version); the permission is for the whole secret.
  secret_arns = distinct([for arn in values(var.secrets) : join(":", slice(split(":", arn), 0, 7))])
}

data "aws_iam_policy_document" "execution" {
  #checkov:skip=CKV_AWS_356: ecr:GetAuthorizationToken supports no resources
  statement {
    sid       = "LogInToEcr"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  dynamic "statement" {
    for_each = length(local.repositories) > 0 ? [1] : []

    content {
      sid       = "PullImages"
      actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      resources = local.repositories
    }
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = [for arn in local.log_arns : "${arn}:*"]
  }

  dynamic "statement" {
    for_each = length(var.secrets) > 0 ? [1] : []

    content {
      sid       = "ReadEnvironmentSecrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = local.secret_arns
    }
  }
}

# The programs of a task call AWS with this role.
resource "aws_iam_role" "task" {
  name               = "${var.name}-task"
  description        = "The programs of ${var.name} call AWS with it"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

locals {
  # Permissions of the task's programs, by sid.
  permissions = merge(
    length(var.readable_secret_arns) == 0 ? {} : {
      ReadSecrets = { actions = ["secretsmanager:GetSecretValue"], resources = values(var.readable_secret_arns), equals = {} }
    },
    length(var.database_login_arns) == 0 ? {} : {
      LogInToTheDatabase = { actions = ["rds-db:connect"], resources = values(var.database_login_arns), equals = {} }
    },
    var.tracing_sidecar == null ? {} : {
      SendTraces = { actions = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], resources = ["*"], equals = {} }
    },
    { for volume in var.volume[*] : "MountVolume" => {
      actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
      resources = [volume.file_system_arn]
      equals    = { "elasticfilesystem:AccessPointArn" = [volume.access_point_arn] }
    } },
    var.permissions,
  )
}

resource "aws_iam_role_policy" "task" {
  count = length(local.permissions) > 0 ? 1 : 0

  name   = "run"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.task.json
}

data "aws_iam_policy_document" "task" {
  #checkov:skip=CKV_AWS_356: X-Ray's write actions support no resources
  #checkov:skip=CKV_AWS_111: nor any conditions that would fit
  dynamic "statement" {
    for_each = local.permissions

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
