locals {
  mebibyte = 1024 * 1024

  # minutes: for how long it must last.
  database_alarms = {
    cpu = {
      metric    = "CPUUtilization", statistic = "Average", above = true, minutes = 15
      threshold = 80
      sentence  = "The database's CPU is above 80 % for a quarter of an hour."
    }
    connections = {
      metric    = "DatabaseConnections", statistic = "Maximum", above = true, minutes = 3
      threshold = floor(var.database.max_connections * 0.8)
      sentence  = "More than 80 % of the connections that the database accepts are open."
    }
    storage = {
      metric    = "FreeStorageSpace", statistic = "Minimum", above = false, minutes = 5
      threshold = floor(var.database.storage_gib * 1024 * local.mebibyte * 0.1)
      sentence  = "Less than a tenth of the database's storage is free."
    }
    memory = {
      metric    = "FreeableMemory", statistic = "Minimum", above = false, minutes = 10
      threshold = var.database.memory_floor_mib * local.mebibyte
      sentence  = "The database has less than ${var.database.memory_floor_mib} MiB of memory left."
    }
  }

  # Only burstable classes earn credits; the others do not report this metric.
  credit_alarms = var.database.burstable ? {
    credits = {
      metric    = "CPUCreditBalance", statistic = "Minimum", above = false, minutes = 15
      threshold = 20
      sentence  = "The database has nearly used up its CPU credits: it will be slow, or cost more."
    }
  } : {}
}

resource "aws_cloudwatch_metric_alarm" "database" {
  for_each = merge(local.database_alarms, local.credit_alarms)

  alarm_name          = "${var.name}-database-${each.key}"
  alarm_description   = "${each.value.sentence} ${local.runbook}#database-${each.key}"
  namespace           = "AWS/RDS"
  metric_name         = each.value.metric
  dimensions          = { DBInstanceIdentifier = var.database.identifier }
  statistic           = each.value.statistic
  comparison_operator = each.value.above ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = each.value.minutes
  treat_missing_data  = "missing"
  alarm_actions       = local.actions
  ok_actions          = local.actions
}

resource "aws_cloudwatch_metric_alarm" "database_replica_lag" {
  for_each = toset(var.database.replica_identifiers)

  alarm_name          = "${var.name}-database-replica-lag-${each.key}"
  alarm_description   = "The read replica ${each.key} is more than 30 s behind. ${local.runbook}#database-replica-lag"
  namespace           = "AWS/RDS"
  metric_name         = "ReplicaLag"
  dimensions          = { DBInstanceIdentifier = each.key }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 30
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "breaching" # a replica that has lost its source reports nothing
  alarm_actions       = local.actions
  ok_actions          = local.actions
}
