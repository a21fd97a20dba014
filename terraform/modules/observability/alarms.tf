# What all alarms have in common. Each other file alarms_*.tf holds those of one part of the service.
locals {
  actions = [var.sns_topic_arn]
  runbook = "What to do: docs/runbook.md"
}
