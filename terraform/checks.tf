# What no module can see by itself.
resource "terraform_data" "preconditions" {
  lifecycle {
    precondition {
      condition     = local.connections_needed <= floor(0.8 * module.database.max_connections)
      error_message = "${var.app_tasks.max} tasks, doubled during a deployment, with ${var.database_pool_size} connections each need ${local.connections_needed} connections: more than 80 % of the ${module.database.max_connections} that ${var.database_class} accepts. Take a larger database_class, a smaller database_pool_size, fewer app_tasks.max, or database_proxy."
    }

    precondition {
      condition     = !var.multi_az || var.cache_replicas >= 1
      error_message = "multi_az needs cache_replicas of 1 at least: there is nothing to fail over to."
    }

    precondition {
      condition     = endswith(var.domain_name, ".") == false && endswith(var.prometheus_domain_name, ".") == false
      error_message = "domain_name and prometheus_domain_name are written without a dot at their end."
    }
  }
}

locals {
  connections_needed = var.database_proxy ? 0 : var.app_tasks.max * 2 * var.database_pool_size
}
