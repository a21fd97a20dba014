locals {
  app_tasks_deploying = ceil(var.app_tasks.max * local.app_deployment.maximum_percent / 100)
  connections_needed  = local.app_tasks_deploying * var.database_pool_size
  connections_allowed = floor(0.8 * module.database.max_connections)
}

# More than one vCPU is no fault, but paid for nothing: a task is one Python process (docs/benchmarks.md).
check "app_cpu_is_used" {
  assert {
    condition     = var.app_cpu <= 1024
    error_message = "app_cpu is ${var.app_cpu}, but a task uses one vCPU (1024): take more tasks (app_tasks) in place of larger ones."
  }
}

# Chosen, not wrong; but whoever chooses it must know what goes (AWS: "Log classes").
check "app_log_lines_are_watched" {
  assert {
    condition     = var.app_log_group_class == "STANDARD"
    error_message = "app_log_group_class is INFREQUENT_ACCESS: CloudWatch knows no metric filters, subscription filters, live tail, export to S3 or FilterLogEvents and GetLogEvents (aws logs tail) of such a group, and of Logs Insights not pattern, diff, filterIndex and unmask. So there is no alarm errors-logged, no chart of the cache's hits or of errors in the log, and the pipeline cannot show what a migration wrote. All saved queries work. If the class was another before, the lines in the group from before are deleted with it."
  }
}

# AWS asks for 300 to 1000 MiB beside what the instance uses; a db.t4g.micro has 1 GiB in all.
check "iam_auth_has_memory" {
  assert {
    condition     = !local.database_iam_auth || var.database_class != "db.t4g.micro"
    error_message = "database_iam_auth on a db.t4g.micro: checking tokens takes memory that it lacks, and logins fail now and then. Take a larger database_class, or leave database_iam_auth out."
  }
}

# What no module can see by itself.
resource "terraform_data" "preconditions" {
  lifecycle {
    # Behind RDS Proxy a task's connections are the proxy's: it lends the database's own for one transaction at a time.
    precondition {
      condition     = var.database_proxy || local.connections_needed <= local.connections_allowed
      error_message = "${local.app_tasks_deploying} tasks (app_tasks.max of ${var.app_tasks.max}, during a deployment) with ${var.database_pool_size} connections each need ${local.connections_needed}: more than ${local.connections_allowed}, 80 % of the ${module.database.max_connections} that ${var.database_class} accepts. Take a larger database_class, a smaller database_pool_size, fewer app_tasks.max, or database_proxy."
    }

    # What is sure to come (quotas.tf): the next deployment, and the sale. ECS would write an event and wait.
    precondition {
      condition     = local.vcpus_deploying.least.on_demand <= var.fargate_vcpu_quota.on_demand
      error_message = "A deployment with app_tasks.min (${var.app_tasks.min}) tasks takes ${local.vcpus_deploying.least.on_demand} vCPUs of FARGATE: both versions, Prometheus and the migration. The quota is ${var.fargate_vcpu_quota.on_demand}. ${local.quota_remedy}, or take smaller or fewer tasks."
    }
    precondition {
      condition     = local.vcpus_running.sale.on_demand <= var.fargate_vcpu_quota.on_demand && local.vcpus_running.sale.spot <= var.fargate_vcpu_quota.spot
      error_message = "A scheduled minimum of ${local.app_tasks_to_reckon.sale} tasks takes ${local.vcpus_running.sale.on_demand} vCPUs of FARGATE and ${local.vcpus_running.sale.spot} of FARGATE_SPOT; the quotas are ${var.fargate_vcpu_quota.on_demand} and ${var.fargate_vcpu_quota.spot}. ${local.quota_remedy}, or take a smaller one (app_autoscaling.scheduled)."
    }
  }
}
