# Used by every alarm. Each file alarms_*.tf holds the alarms of one part of the service.
locals {
  actions = [var.sns_topic_arn]
  runbook = "What to do: docs/runbook.md"
}
