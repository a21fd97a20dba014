# Charts of the dashboard, from the users inwards: traffic, tasks, cache, database, logs. A metric is a list, as the
# dashboard's format requires: namespace, name, dimensions, options.
locals {
  alb        = "AWS/ApplicationELB"
  insights   = "ECS/ContainerInsights"
  db_metrics = ["DBInstanceIdentifier", var.database.identifier]

  charts = concat(
    flatten([for name, service in var.services : [
      {
        title = "${name}: requests and errors"
        metrics = [
          [local.alb, "RequestCount", "LoadBalancer", service.alb_arn_suffix, { stat = "Sum", label = "requests" }],
          [local.alb, "HTTPCode_Target_5XX_Count", "LoadBalancer", service.alb_arn_suffix, { stat = "Sum", label = "5xx of tasks", color = "#d62728" }],
          [local.alb, "HTTPCode_ELB_5XX_Count", "LoadBalancer", service.alb_arn_suffix, { stat = "Sum", label = "5xx of the load balancer", color = "#8c564b" }],
          [local.alb, "HTTPCode_Target_4XX_Count", "LoadBalancer", service.alb_arn_suffix, { stat = "Sum", label = "4xx", color = "#ff7f0e" }],
        ]
        limit = null
      },
      {
        title = "${name}: latency, seconds"
        metrics = [
          for stat in ["p50", "p90", "p99"] :
          [local.alb, "TargetResponseTime", "LoadBalancer", service.alb_arn_suffix, { stat = stat, label = stat }]
        ]
        limit = service.latency_seconds
      },
      {
        title = "${name}: tasks"
        metrics = [
          [local.insights, "DesiredTaskCount", "ClusterName", service.cluster_name, "ServiceName", service.service_name, { stat = "Maximum", label = "desired" }],
          [local.insights, "RunningTaskCount", "ClusterName", service.cluster_name, "ServiceName", service.service_name, { stat = "Minimum", label = "running" }],
          [local.alb, "HealthyHostCount", "LoadBalancer", service.alb_arn_suffix, "TargetGroup", service.target_group_arn_suffix, { stat = "Minimum", label = "healthy" }],
        ]
        limit = service.minimum_tasks
      },
      {
        title = "${name}: CPU and memory of tasks, percent"
        metrics = [
          for metric in ["CPUUtilization", "MemoryUtilization"] :
          ["AWS/ECS", metric, "ClusterName", service.cluster_name, "ServiceName", service.service_name, { stat = "Average", label = metric }]
        ]
        limit = 85
      },
    ]]),
    [
      {
        title   = "Cache: CPU of nodes, percent"
        metrics = [for id in var.cache.member_cluster_ids : ["AWS/ElastiCache", "EngineCPUUtilization", "CacheClusterId", id, { stat = "Average", label = id }]]
        limit   = 80
      },
      {
        title   = "Cache: memory of nodes, percent"
        metrics = [for id in var.cache.member_cluster_ids : ["AWS/ElastiCache", "DatabaseMemoryUsagePercentage", "CacheClusterId", id, { stat = "Maximum", label = id }]]
        limit   = 90
      },
      {
        title   = "Cache: evicted keys"
        metrics = [for id in var.cache.member_cluster_ids : ["AWS/ElastiCache", "Evictions", "CacheClusterId", id, { stat = "Sum", label = id }]]
        limit   = var.cache.evictions
      },
      {
        title   = "Database: CPU, percent"
        metrics = [concat(["AWS/RDS", "CPUUtilization"], local.db_metrics, [{ stat = "Average", label = "CPU" }])]
        limit   = local.database_alarms.cpu.threshold
      },
      {
        title   = "Database: connections"
        metrics = [concat(["AWS/RDS", "DatabaseConnections"], local.db_metrics, [{ stat = "Maximum", label = "open" }])]
        limit   = local.database_alarms.connections.threshold
      },
      {
        title = "Database: free storage and memory, bytes"
        metrics = [
          for metric in ["FreeStorageSpace", "FreeableMemory"] : concat(["AWS/RDS", metric], local.db_metrics, [{ stat = "Minimum", label = metric }])
        ]
        limit = null
      },
    ],
    # Counted from log lines, so not with the log class Infrequent Access, which has no metric filters.
    [for chart in [
      {
        title = "Cache: hits, misses and bypasses"
        metrics = [
          for metric in ["CacheHits", "CacheMisses", "CacheBypasses"] : [local.namespace, metric, { stat = "Sum", label = metric }]
        ]
        limit = null
      },
      {
        title = "Logs: errors and refused requests (403)"
        metrics = [
          for metric in ["Errors", "Refused"] : [local.namespace, metric, { stat = "Sum", label = metric }]
        ]
        limit = null
      },
    ] : chart if !local.app_is_infrequent],
  )
}
