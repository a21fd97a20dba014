data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  region  = data.aws_region.current.name
  account = data.aws_caller_identity.current.account_id

  # Task definitions that the workflows may run, each with the role <family>-task.
  families = concat(["${var.name}-migration"], var.service_task_runnable ? [var.name] : [])
}

# The workflows push images, run the migration task, and wait until the service is stable. Terraform Cloud has its own
# credentials.
data "aws_iam_policy_document" "deploy" {
  #checkov:skip=CKV_AWS_356: ecr:GetAuthorizationToken and ecs:DescribeTaskDefinition support no resources
  statement {
    sid       = "LogInToEcr"
    actions   = ["ecr:GetAuthorizationToken", "ecs:DescribeTaskDefinition"]
    resources = ["*"]
  }

  # Images for both architectures are pushed by digest, then joined under one tag. ECR's scan findings are for the report.
  statement {
    sid = "PushImages"
    actions = [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:DescribeImageScanFindings",
      "ecr:DescribeImages",
      "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
    ]
    resources = [for suffix in ["", "-prometheus"] : "arn:aws:ecr:${local.region}:${local.account}:repository/${var.name}${suffix}"]
  }

  statement {
    sid       = "Migrate"
    actions   = ["ecs:RunTask"]
    resources = [for family in local.families : "arn:aws:ecs:${local.region}:${local.account}:task-definition/${family}:*"]

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = ["arn:aws:ecs:${local.region}:${local.account}:cluster/${var.name}"]
    }
  }

  statement {
    sid = "Watch"
    actions = [
      "ecs:DescribeServiceDeployments",
      "ecs:DescribeServiceRevisions",
      "ecs:DescribeServices",
      "ecs:DescribeTasks",
      "ecs:ListServiceDeployments",
    ]
    resources = [
      for kind in ["service", "service-deployment", "service-revision", "task"] :
      "arn:aws:ecs:${local.region}:${local.account}:${kind}/${var.name}/*"
    ]
  }

  statement {
    sid       = "PassTaskRoles"
    actions   = ["iam:PassRole"]
    resources = [for role in concat(["${var.name}-execution"], [for family in local.families : "${family}-task"]) : "arn:aws:iam::${local.account}:role/${role}"]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }

  statement {
    sid       = "ReadMigrationLog"
    actions   = ["logs:GetLogEvents"]
    resources = ["arn:aws:logs:${local.region}:${local.account}:log-group:/ecs/${var.name}/*:*"]
  }
}

resource "aws_iam_role_policy" "deploy" {
  name   = "deploy"
  role   = aws_iam_role.deploy.id
  policy = data.aws_iam_policy_document.deploy.json
}
