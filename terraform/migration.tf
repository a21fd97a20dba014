# The migration: a task with the service's image that runs before each roll-out (.github/scripts/migrate.sh). Only it logs
# in as the database's owner. It connects to the instance, not to RDS Proxy: its advisory lock would pin a proxy
# connection, and the proxy has no login for the owner.
module "migration" {
  source = "./modules/ecs_task"

  name               = "${local.name}-migration"
  region             = var.region
  log_group_name     = module.observability.log_groups.app.name
  execution_role_arn = module.app.execution_role_arn
  trust_policy       = module.app.task_trust_policy

  container = {
    name    = "migration"
    image   = "${module.ecr.repository_urls.app}:${var.image_tag}"
    user    = "10001:10001"
    command = ["python", "-m", "chalicelib.migrate"]
  }

  environment = merge(
    local.database_environment,
    {
      DATABASE_OWNER_URL        = "postgresql://${module.database.owner_username}@${module.database.instance_address}:${module.database.port}/${module.database.database_name}?sslmode=verify-full${local.rds_ca}"
      DATABASE_OWNER_SECRET_ARN = module.database.owner_secret_arn
    },
    local.database_iam_auth && var.database_proxy ? { DATABASE_PROXY_SECRET_ARN = one(module.database_login[*].arn) } : {},
  )
  cpu_architecture = var.cpu_architecture
  readable_secret_arns = merge(
    { owner = module.database.owner_secret_arn },
    local.database_has_password ? { service = one(module.database_login[*].arn) } : {},
  )
  database_login_arns = local.database_login_arns
}
