# How the service logs in to the database: as its own role, which the migration creates (migration.tf).
locals {
  # The smallest class has too little memory to check tokens: AWS recommends 300 MiB or more for IAM authentication.
  database_iam_auth = var.database_iam_auth == null ? var.database_class != "db.t4g.micro" : var.database_iam_auth

  # RDS Proxy always logs in with a password, and RDS refuses passwords for a role that may use tokens. So each way has
  # its own role: after a change, tasks that still run can log in as the other role.
  database_has_password = var.database_proxy || !local.database_iam_auth
  database_user         = local.database_has_password ? "${var.database_service_user}_password" : var.database_service_user

  # RDS has its own CAs (a bundle). RDS Proxy has a public certificate, which the system's CAs verify and the bundle does
  # not.
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
  description          = "Database login of the service ${local.name}"
  username             = local.database_user
  password_version     = var.database_password_version
  recovery_window_days = var.deletion_protection ? 7 : 0
}
