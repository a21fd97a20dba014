locals {
  issuer       = "token.actions.githubusercontent.com"
  provider_arn = var.create_provider ? aws_iam_openid_connect_provider.github[0].arn : data.aws_iam_openid_connect_provider.github[0].arn
}

resource "aws_iam_openid_connect_provider" "github" {
  count = var.create_provider ? 1 : 0

  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_openid_connect_provider" "github" {
  count = var.create_provider ? 0 : 1

  url = "https://${local.issuer}"
}

resource "aws_iam_role" "deploy" {
  name                 = "${var.name}-deploy"
  description          = "The GitHub workflows of ${var.repository} assume it"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary_arn
  max_session_duration = 3600
}

data "aws_iam_policy_document" "trust" {
  dynamic "statement" {
    for_each = local.trusted

    content {
      sid     = statement.key
      actions = ["sts:AssumeRoleWithWebIdentity"]

      principals {
        type        = "Federated"
        identifiers = [local.provider_arn]
      }

      dynamic "condition" {
        for_each = merge({ aud = ["sts.amazonaws.com"] }, local.repository_id, statement.value)

        content {
          test     = "StringEquals"
          variable = "${local.issuer}:${condition.key}"
          values   = condition.value
        }
      }
    }
  }
}
