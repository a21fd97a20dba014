# How the service logs in to the database: as a role of its own, which the migration makes (migration.tf).
locals {
  # Checking tokens takes 300 MiB or more of the instance's memory (AWS' page on IAM database authentication): the smallest
  # class has no room for that.
  database_iam_auth = var.database_iam_auth == null ? var.database_class != "db.t4g.micro" : var.database_iam_auth

  # RDS Proxy logs in with a password, also for clients that come with a token; and RDS takes no password of a role that may
  # come with a token. So each way has a role of its own: tasks of before a change get in for as long as they run.
  database_has_password = var.database_proxy || !local.database_iam_auth
  database_user         = local.database_has_password ? "${var.database_service_user}_password" : var.database_service_user

  # RDS has CAs of its own; RDS Proxy has a public certificate, which the system's CAs verify and RDS' bundle does not.
  rds_ca      = "&sslrootcert=/app/certs/rds-global-bundle.pem"
  database_ca = var.database_proxy ? "" : local.rds_ca

  database_environment = merge(
    {
      DATABASE_URL      = "postgresql://${local.database_user}@${module.database.address}:${module.database.port}/${module.database.database_name}?sslmode=verify-full${local.database_ca}"
      DATABASE_IAM_AUTH = tostring(local.database_iam_auth)
    },
    local.database_iam_auth ? {} : { DATABASE_SECRET_ARN = one(module.database_login[*].arn) },
  )
  database_secret_arns = local.database_iam_auth ? {} : { database = one(module.database_login[*].arn) }
  database_login_arns  = local.database_iam_auth ? { database = module.database.login_arn } : {}
}

module "database_login" {
  source = "./modules/secret"
  count  = local.database_has_password ? 1 : 0

  name                 = "${local.name}-database"
  description          = "The service's login to the database of ${local.name}"
  username             = local.database_user
  password_version     = var.database_password_version
  recovery_window_days = var.deletion_protection ? 7 : 0
}
