# Fargate's vCPU quotas, one for FARGATE and one for FARGATE_SPOT. They are a variable and not read from Service Quotas:
# other services of the account share them, and a plan would need one more permission.
locals {
  # app_tasks.min tasks always run on FARGATE; of the tasks above that, spot_weight percent run on FARGATE_SPOT.
  app_tasks_counted = {
    least = var.app_tasks.min
    sale  = max(var.app_tasks.min, var.app_autoscaling.scheduled[*].min...)
    most  = var.app_tasks.max
  }
  app_tasks_on = {
    for when, tasks in local.app_tasks_counted : when => {
      on_demand = var.app_tasks.min + ceil((tasks - var.app_tasks.min) * (100 - var.app_spot_weight) / 100)
      spot      = ceil((tasks - var.app_tasks.min) * var.app_spot_weight / 100)
    }
  }

  # A deployment runs both versions at the same time, and the migration task may still be stopping.
  vcpus_beside    = module.prometheus.vcpus
  vcpus_migration = module.migration.vcpus
  vcpus_running = {
    for when, tasks in local.app_tasks_on : when => {
      on_demand = tasks.on_demand * module.app.vcpus + local.vcpus_beside
      spot      = tasks.spot * module.app.vcpus
    }
  }
  vcpus_deploying = {
    for when, tasks in local.app_tasks_on : when => {
      on_demand = tasks.on_demand * module.app.vcpus * local.app_deployment.maximum_percent / 100 + local.vcpus_beside + local.vcpus_migration
      spot      = tasks.spot * module.app.vcpus * local.app_deployment.maximum_percent / 100
    }
  }
  quota_remedy = "Request more (docs/deploying.md, Quotas) and set fargate_vcpu_quota to the new quota"
}

# Only a traffic peak needs that many tasks, so this is a warning.
check "quotas_allow_the_most_tasks" {
  assert {
    condition     = local.vcpus_deploying.most.on_demand <= var.fargate_vcpu_quota.on_demand && local.vcpus_deploying.most.spot <= var.fargate_vcpu_quota.spot
    error_message = "A deployment with app_tasks.max (${var.app_tasks.max}) tasks takes ${local.vcpus_deploying.most.on_demand} vCPUs of FARGATE and ${local.vcpus_deploying.most.spot} of FARGATE_SPOT; the quotas are ${var.fargate_vcpu_quota.on_demand} and ${var.fargate_vcpu_quota.spot}. The deployment would wait, or traffic would meet too few tasks. ${local.quota_remedy}."
  }
}
