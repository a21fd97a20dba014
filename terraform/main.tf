locals {
  name              = "${var.env}-${var.service}"
  prometheus_name   = "${local.name}-prometheus"
  missing_endpoints = setsubtract(["ecr.api", "ecr.dkr", "logs", "secretsmanager", "xray"], var.interface_endpoints)

  task_subnet_ids = var.public_tasks ? module.network.public_subnet_ids : module.network.private_subnet_ids

  # Every task reaches AWS services through the VPC endpoints.
  aws_egress = module.network.has_endpoints ? {
    endpoints = { security_group_id = module.network.endpoints_security_group_id, port = 443 }
  } : {}
}

module "network" {
  source = "./modules/network"

  name                = local.name
  cidr                = var.vpc_cidr
  zones               = [for letter in var.zone_letters : "${var.region}${letter}"]
  nat_enabled         = !var.public_tasks
  single_nat_gateway  = var.single_nat_gateway
  interface_endpoints = var.interface_endpoints
}

module "ecr" {
  source = "./modules/ecr"

  name         = local.name
  force_delete = !var.deletion_protection
}

module "cluster" {
  source = "./modules/ecs_cluster"

  name   = local.name
  vpc_id = module.network.vpc_id
}

module "database" {
  source = "./modules/rds"

  name                      = local.name
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.isolated_subnet_ids
  client_security_group_ids = { app = module.app.task_security_group_id }
  instance_class            = var.database_class
  storage                   = var.database_storage
  multi_az                  = var.multi_az
  backup_retention_days     = var.database_backup_days
  deletion_protection       = var.deletion_protection
  skip_final_snapshot       = !var.deletion_protection
  iam_auth_enabled          = local.database_iam_auth
  proxy_enabled             = var.database_proxy
  service_user              = local.database_user
  service_secret_arn        = one(module.database_login[*].arn)
}

module "cache" {
  source = "./modules/elasticache"

  name                      = local.name
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.isolated_subnet_ids
  client_security_group_ids = { app = module.app.task_security_group_id }
  engine                    = var.cache_engine
  engine_version            = var.cache_engine_version
  node_type                 = var.cache_node_type
  replicas                  = var.cache_replicas
  multi_az                  = var.multi_az
  password_version          = var.cache_password_version
}

module "observability" {
  source = "./modules/observability"

  name                = local.name
  region              = var.region
  sns_topic_arn       = var.sns_topic
  log_retention_days  = var.log_retention_days
  app_log_group_class = var.app_log_group_class

  services = {
    for key, service in { app = module.app, prometheus = module.prometheus } : key => {
      alb_arn_suffix          = service.alb_arn_suffix
      target_group_arn_suffix = service.target_group_arn_suffix
      cluster_name            = module.cluster.cluster_name
      service_name            = service.service_name
      minimum_tasks           = key == "app" ? var.app_tasks.min : 1
    }
  }

  database = {
    identifier      = module.database.identifier
    burstable       = module.database.burstable
    max_connections = module.database.max_connections
    storage_gib     = var.database_storage.gib
  }

  cache = {
    replication_group_id = module.cache.replication_group_id
    member_cluster_ids   = module.cache.member_cluster_ids
  }
}

module "dns" {
  source = "./modules/dns"

  zone_id = var.zone_id
  records = {
    (var.domain_name)            = { dns_name = module.app.alb_dns_name, zone_id = module.app.alb_zone_id }
    (var.prometheus_domain_name) = { dns_name = module.prometheus.alb_dns_name, zone_id = module.prometheus.alb_zone_id }
  }
}

module "github_oidc" {
  source = "./modules/github_oidc"
  count  = var.github_repository == "" ? 0 : 1

  name            = local.name
  repository      = var.github_repository
  repository_ids  = var.github_repository_ids
  environment     = var.github_environment == "" ? null : var.github_environment
  create_provider = var.github_create_provider

  service_task_runnable = var.database_owner_login_kept
}
