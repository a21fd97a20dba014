locals {
  # For every node. minutes: how long the threshold must be exceeded.
  cache_node_alarms = {
    memory = {
      metric    = "DatabaseMemoryUsagePercentage", statistic = "Maximum", minutes = 10
      threshold = 90
      sentence  = "uses more than 90 % of its memory and will soon evict keys"
    }
    evictions = {
      metric    = "Evictions", statistic = "Sum", minutes = 5
      threshold = var.cache.evictions
      sentence  = "evicts more than ${var.cache.evictions} keys a minute: it is too small, and fences may be evicted"
    }
    connections = {
      metric    = "CurrConnections", statistic = "Maximum", minutes = 5
      threshold = var.cache.connections
      sentence  = "has more than ${var.cache.connections} open connections"
    }
    lag = {
      metric    = "ReplicationLag", statistic = "Maximum", minutes = 5
      threshold = 5
      sentence  = "is more than 5 s behind its primary"
    }
  }

  # Keyed by the node's position in the list: the ids may be unknown before the first apply.
  cache_nodes = { for place, id in var.cache.member_cluster_ids : tostring(place + 1) => id }

  cache_alarms = {
    for pair in setproduct(keys(local.cache_nodes), keys(local.cache_node_alarms)) :
    "${pair[1]}-${pair[0]}" => merge(local.cache_node_alarms[pair[1]], { kind = pair[1], node = local.cache_nodes[pair[0]] })
  }
}

resource "aws_cloudwatch_metric_alarm" "cache" {
  for_each = local.cache_alarms

  alarm_name          = "${var.name}-cache-${each.key}"
  alarm_description   = "Cache node ${each.value.node} ${each.value.sentence}. ${local.runbook}#cache-${each.value.kind}"
  namespace           = "AWS/ElastiCache"
  metric_name         = each.value.metric
  dimensions          = { CacheClusterId = each.value.node }
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = each.value.minutes
  treat_missing_data  = "missing"
  alarm_actions       = local.actions
  ok_actions          = local.actions
}

# The higher of two metrics. The engine runs in one thread, so on a two-core node 50 % CPU may be its limit. On small nodes
# other processes may take most of the CPU.
resource "aws_cloudwatch_metric_alarm" "cache_cpu" {
  for_each = local.cache_nodes

  alarm_name          = "${var.name}-cache-cpu-${each.key}"
  alarm_description   = "CPU of cache node ${each.value} is above 80 %. ${local.runbook}#cache-cpu"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 80
  evaluation_periods  = 5
  treat_missing_data  = "missing"
  alarm_actions       = local.actions
  ok_actions          = local.actions

  metric_query {
    id          = "busiest"
    label       = "CPU, percent"
    expression  = "IF(engine > host, engine, host)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { engine = "EngineCPUUtilization", host = "CPUUtilization" }

    content {
      id = metric_query.key
      metric {
        namespace   = "AWS/ElastiCache"
        metric_name = metric_query.value
        dimensions  = { CacheClusterId = each.value }
        stat        = "Average"
        period      = 60
      }
    }
  }
}

# IsMaster is 1 on the primary and 0 on replicas. A five-minute average in between means that a node changed its role.
resource "aws_cloudwatch_metric_alarm" "cache_failover" {
  alarm_name          = "${var.name}-cache-failover"
  alarm_description   = "The cache failed over: another node has become the primary. ${local.runbook}#cache-failover"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.actions
  ok_actions          = local.actions

  metric_query {
    id          = "changes"
    label       = "nodes that changed their role"
    expression  = join(" + ", [for place in keys(local.cache_nodes) : "IF(FILL(node${place}, 0) > 0 AND FILL(node${place}, 0) < 1, 1, 0)"])
    return_data = true
  }

  dynamic "metric_query" {
    for_each = local.cache_nodes

    content {
      id = "node${metric_query.key}"
      metric {
        namespace   = "AWS/ElastiCache"
        metric_name = "IsMaster"
        dimensions  = { CacheClusterId = metric_query.value }
        stat        = "Average"
        period      = 300
      }
    }
  }
}
