locals {
  app_tasks_deploying = ceil(var.app_tasks.max * local.app_deployment.maximum_percent / 100)
  connections_needed  = local.app_tasks_deploying * var.database_pool_size
  connections_allowed = floor(0.8 * module.database.max_connections)
}

# A task is one Python process and uses one vCPU at most (docs/benchmarks.md). More is allowed but wasted.
check "app_cpu_is_used" {
  assert {
    condition     = var.app_cpu <= 1024
    error_message = "app_cpu is ${var.app_cpu}, but a task uses one vCPU (1024) at most. Use more tasks (app_tasks) instead of larger ones."
  }
}

# Infrequent Access is a valid choice; the warning says what it costs (AWS: "Log classes").
check "app_log_lines_are_watched" {
  assert {
    condition     = var.app_log_group_class == "STANDARD"
    error_message = "app_log_group_class is INFREQUENT_ACCESS: CloudWatch does not support metric filters, subscription filters, live tail, export to S3, FilterLogEvents and GetLogEvents (aws logs tail) for such a group, nor pattern, diff, filterIndex and unmask in Logs Insights. So there is no alarm errors-logged, no chart of cache hits or logged errors, and the pipeline cannot show the output of a migration. All saved queries work. If you change the class of an existing stack, the old log group and its lines are deleted."
  }
}

# AWS recommends 300 to 1000 MiB of spare memory for IAM authentication; a db.t4g.micro has 1 GiB in all.
check "iam_auth_has_memory" {
  assert {
    condition     = !local.database_iam_auth || var.database_class != "db.t4g.micro"
    error_message = "database_iam_auth on a db.t4g.micro: the instance has too little memory to check tokens, so logins fail now and then. Use a larger database_class, or leave database_iam_auth out."
  }
}

# Conditions over several modules.
resource "terraform_data" "preconditions" {
  lifecycle {
    # Behind RDS Proxy, tasks connect to the proxy, which lends a database connection for one transaction at a time.
    precondition {
      condition     = var.database_proxy || local.connections_needed <= local.connections_allowed
      error_message = "${local.app_tasks_deploying} tasks (app_tasks.max of ${var.app_tasks.max}, during a deployment) with ${var.database_pool_size} connections each need ${local.connections_needed}: more than ${local.connections_allowed}, 80 % of the ${module.database.max_connections} that ${var.database_class} accepts. Use a larger database_class, a smaller database_pool_size, a lower app_tasks.max, or database_proxy."
    }

    # The next deployment and the scheduled sale will certainly happen (quotas.tf). Past the quota, ECS only logs an event
    # and waits.
    precondition {
      condition     = local.vcpus_deploying.least.on_demand <= var.fargate_vcpu_quota.on_demand
      error_message = "A deployment with app_tasks.min (${var.app_tasks.min}) tasks takes ${local.vcpus_deploying.least.on_demand} vCPUs of FARGATE: both versions, Prometheus and the migration. The quota is ${var.fargate_vcpu_quota.on_demand}. ${local.quota_remedy}, or use smaller or fewer tasks."
    }
    precondition {
      condition     = local.vcpus_running.sale.on_demand <= var.fargate_vcpu_quota.on_demand && local.vcpus_running.sale.spot <= var.fargate_vcpu_quota.spot
      error_message = "A scheduled minimum of ${local.app_tasks_counted.sale} tasks takes ${local.vcpus_running.sale.on_demand} vCPUs of FARGATE and ${local.vcpus_running.sale.spot} of FARGATE_SPOT; the quotas are ${var.fargate_vcpu_quota.on_demand} and ${var.fargate_vcpu_quota.spot}. ${local.quota_remedy}, or use a smaller minimum (app_autoscaling.scheduled)."
    }
  }
}
