# The handlers call AWS with these roles: those of queues with one, those of schedules with the other.
resource "aws_iam_role" "task" {
  for_each = local.tasks

  name               = "${var.name}-${each.key}"
  description        = "The handlers that ${each.key} calls use it"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

locals {
  queue_keys = distinct([for queue in var.queues : queue.kms_key_arn if queue.kms_key_arn != null])

  # By sid.
  permissions = {
    poll = merge(
      {
        ConsumeQueues = {
          actions   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage"]
          resources = [for key in sort(keys(var.queues)) : var.queues[key].arn]
          equals    = {}
        }
      },
      length(local.queue_keys) == 0 ? {} : {
        DecryptMessages = {
          actions   = ["kms:Decrypt"]
          resources = local.queue_keys
          equals    = { "kms:ViaService" = "sqs.${var.region}.amazonaws.com" }
        }
      },
      { for sid, each in var.poll.permissions : sid => merge(each, { equals = {} }) },
    )
    invoke = { for sid, each in var.invoke.permissions : sid => merge(each, { equals = {} }) }
  }
}

# Whether a policy is empty must be known when the keys of queues are not.
resource "aws_iam_role_policy" "task" {
  for_each = { for kind in keys(local.tasks) : kind => kind if kind == "poll" || length(var.invoke.permissions) > 0 }

  name   = "run"
  role   = aws_iam_role.task[each.key].id
  policy = data.aws_iam_policy_document.task[each.key].json
}

data "aws_iam_policy_document" "task" {
  for_each = local.tasks

  dynamic "statement" {
    for_each = local.permissions[each.key]

    content {
      sid       = statement.key
      actions   = statement.value.actions
      resources = statement.value.resources

      dynamic "condition" {
        for_each = statement.value.equals

        content {
          test     = "StringEquals"
          variable = condition.key
          values   = [condition.value]
        }
      }
    }
  }
}
