locals {
  app_port = 3000

  # After SIGTERM a task still accepts connections while the load balancer deregisters it. Then it finishes open requests
  # (drain) and writes its last log lines.
  drain_seconds        = 20
  stop_timeout_seconds = var.app_drain_accept_seconds + local.drain_seconds + 10

  # New tasks run beside all old ones until they are healthy. checks.tf counts connections for both.
  app_deployment = { minimum_percent = 100, maximum_percent = 200 }

  # The names are the settings of the container (docs/settings.md); a test compares them.
  app_environment = merge(local.database_environment, {
    PORT                    = tostring(local.app_port)
    SERVER                  = var.app_server
    THREADS                 = tostring(var.app_threads)
    DATABASE_POOL_SIZE      = tostring(var.database_pool_size)
    REDIS_URL               = "rediss://${module.cache.address}:${module.cache.port}/0"
    REDIS_SECRET_ARN        = module.cache.secret_arn
    CACHE_TTL_SECONDS       = tostring(var.cache_ttl_seconds)
    LOCAL_LEASE_MS          = tostring(var.local_lease_ms)
    API_KEYS_SECRET_ARN     = module.api_keys.arn
    TRUSTED_PROXIES         = "1"
    DRAIN_ACCEPT_SECONDS    = tostring(var.app_drain_accept_seconds)
    DRAIN_SECONDS           = tostring(local.drain_seconds)
    POWERTOOLS_SERVICE_NAME = var.service
    POWERTOOLS_LOG_LEVEL    = var.app_log_level
    AWS_XRAY_DAEMON_ADDRESS = "127.0.0.1:2000"

    ACCESS_LOG_LINES_PER_SECOND = tostring(var.app_access_log.lines_per_second)
    ACCESS_LOG_ONE_IN           = tostring(var.app_access_log.one_in)
  })
}

module "app" {
  source = "./modules/ecs_service"

  name                   = local.name
  region                 = var.region
  cluster_arn            = module.cluster.cluster_arn
  cluster_name           = module.cluster.cluster_name
  vpc_id                 = module.network.vpc_id
  public_subnet_ids      = module.network.public_subnet_ids
  private_subnet_ids     = local.task_subnet_ids
  assign_public_ip       = var.public_tasks
  discovery_namespace_id = module.cluster.namespace_id
  discovery_name         = local.app_discovery_name
  log_group_name         = module.observability.log_groups.app.name
  log_group_arn          = module.observability.log_groups.app.arn

  container = {
    name                 = "app"
    image                = "${module.ecr.repository_urls.app}:${var.image_tag}"
    port                 = local.app_port
    user                 = "10001:10001"
    health_check_command = ["CMD", "python", "-m", "fargate.probe"]
  }
  cpu_architecture = var.cpu_architecture
  cpu              = var.app_cpu
  memory           = var.app_memory
  environment      = local.app_environment
  readable_secret_arns = merge(
    { cache = module.cache.secret_arn, api_keys = module.api_keys.arn },
    local.database_secret_arns,
    var.database_owner_login_kept ? { owner = module.database.owner_secret_arn } : {},
  )
  database_login_arns = local.database_login_arns

  tracing_sidecar = {
    image     = var.collector_image
    cpu       = 64
    memory    = 256
    log_group = module.observability.log_groups.collector
  }

  task_count      = var.app_tasks
  deployment      = local.app_deployment
  rollback_alarms = var.app_rollback_alarms
  autoscaling     = var.app_autoscaling
  spot_weight     = var.app_spot_weight

  certificate_arn              = var.certificate_arn
  allowed_cidrs                = ["0.0.0.0/0"]
  hidden_paths                 = ["/metrics"]
  health_check_path            = "/readyz"
  stop_timeout_seconds         = local.stop_timeout_seconds
  drain_accept_seconds         = var.app_drain_accept_seconds
  drain_seconds                = local.drain_seconds
  deregistration_delay_seconds = local.drain_seconds
  waf_enabled                  = var.app_waf_enabled

  metrics_clients = { prometheus = module.prometheus.task_security_group_id }
  egress = merge(local.aws_egress, {
    database = { security_group_id = module.database.security_group_id, port = module.database.port }
    cache    = { security_group_id = module.cache.security_group_id, port = 6379 }
  })
  egress_prefix_lists = { s3 = module.network.s3_prefix_list_id }
  # Public registries have no VPC endpoint, so a collector image outside a private ECR needs internet access.
  internet_egress = length(local.missing_endpoints) > 0 || !can(regex("^[0-9]{12}[.]dkr[.]ecr[.]", var.collector_image))

  keep_task_definitions            = var.keep_task_definitions
  deletion_protection              = var.deletion_protection
  access_logs_bucket_force_destroy = !var.deletion_protection
}
