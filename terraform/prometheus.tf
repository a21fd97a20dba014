locals {
  prometheus_port = 9090
}

module "prometheus" {
  source = "./modules/ecs_service"

  name                   = local.prometheus_name
  region                 = var.region
  cluster_arn            = module.cluster.cluster_arn
  cluster_name           = module.cluster.cluster_name
  vpc_id                 = module.network.vpc_id
  public_subnet_ids      = module.network.public_subnet_ids
  private_subnet_ids     = local.task_subnet_ids
  assign_public_ip       = var.public_tasks
  discovery_namespace_id = module.cluster.namespace_id
  discovery_name         = "prometheus"
  log_group_name         = module.observability.log_groups.prometheus.name
  log_group_arn          = module.observability.log_groups.prometheus.arn

  container = {
    name  = "prometheus"
    image = "${module.ecr.repository_urls.prometheus}:${var.prometheus_image_tag}"
    port  = local.prometheus_port
    user  = "65534:65534"
  }
  cpu_architecture = var.cpu_architecture
  cpu              = 256
  memory           = 1024
  environment      = local.prometheus_environment
  secrets          = { PROMETHEUS_WEB_CONFIG = var.prometheus_web_config_secret_arn }
  volume = {
    file_system_id   = module.prometheus_storage.file_system_id
    file_system_arn  = module.prometheus_storage.file_system_arn
    access_point_id  = module.prometheus_storage.access_point_id
    access_point_arn = module.prometheus_storage.access_point_arn
    path             = "/prometheus"
  }

  companions  = local.prometheus_companions
  permissions = local.prometheus_permissions

  # Exactly one task: two would write to the same files. So a deployment stops the old task first, and no rollback alarm
  # watches it; the circuit breaker still rolls back if the new task does not start.
  task_count = { min = 1, max = 1 }
  deployment = { minimum_percent = 0, maximum_percent = 100 }

  certificate_arn      = var.certificate_arn
  allowed_cidrs        = var.prometheus_allowed_cidrs
  health_check_path    = "/-/healthy"
  health_check_matcher = "200,401" # the health check has no password

  egress = merge(local.aws_egress, {
    tasks   = { security_group_id = module.app.task_security_group_id, port = local.app_port }
    storage = { security_group_id = module.prometheus_storage.security_group_id, port = 2049 }
  })
  egress_prefix_lists = { s3 = module.network.s3_prefix_list_id }
  internet_egress     = length(local.prometheus_missing_endpoints) > 0

  keep_task_definitions            = var.keep_task_definitions
  deletion_protection              = var.deletion_protection
  access_logs_bucket_force_destroy = !var.deletion_protection
}

module "prometheus_storage" {
  source = "./modules/efs"

  name                      = local.prometheus_name
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.private_subnet_ids
  client_security_group_ids = { prometheus = module.prometheus.task_security_group_id }
}
