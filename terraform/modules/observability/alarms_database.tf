locals {
  mebibyte = 1024 * 1024

  # minutes: how long the threshold must be exceeded.
  database_alarms = {
    cpu = {
      metric    = "CPUUtilization", statistic = "Average", above = true, minutes = 15
      threshold = 80
      sentence  = "CPU of the database has been above 80 % for 15 minutes."
    }
    connections = {
      metric    = "DatabaseConnections", statistic = "Maximum", above = true, minutes = 3
      threshold = floor(var.database.max_connections * 0.8)
      sentence  = "More than 80 % of the database's connections are in use."
    }
    storage = {
      metric    = "FreeStorageSpace", statistic = "Minimum", above = false, minutes = 5
      threshold = floor(var.database.storage_gib * 1024 * local.mebibyte * 0.1)
      sentence  = "Less than 10 % of the database's storage is free."
    }
    memory = {
      metric    = "FreeableMemory", statistic = "Minimum", above = false, minutes = 10
      threshold = var.database.memory_floor_mib * local.mebibyte
      sentence  = "The database has less than ${var.database.memory_floor_mib} MiB of free memory."
    }
  }

  # Only burstable classes have CPU credits and report this metric.
  credit_alarms = var.database.burstable ? {
    credits = {
      metric    = "CPUCreditBalance", statistic = "Minimum", above = false, minutes = 15
      threshold = 20
      sentence  = "The database has almost used up its CPU credits: it will get slow, or cost more."
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
  alarm_description   = "Read replica ${each.key} is more than 30 s behind its source. ${local.runbook}#database-replica-lag"
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
