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

# What no module can see by itself.
resource "terraform_data" "preconditions" {
  lifecycle {
    # Behind RDS Proxy a task's connections are the proxy's: it lends the database's own for one transaction at a time.
    precondition {
      condition     = var.database_proxy || local.connections_needed <= local.connections_allowed
      error_message = "${local.app_tasks_deploying} tasks (app_tasks.max of ${var.app_tasks.max}, during a deployment) with ${var.database_pool_size} connections each need ${local.connections_needed}: more than ${local.connections_allowed}, 80 % of the ${module.database.max_connections} that ${var.database_class} accepts. Take a larger database_class, a smaller database_pool_size, fewer app_tasks.max, or database_proxy."
    }
  }
}
