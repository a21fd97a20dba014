# API keys for writes. Terraform creates the first key; it is never in a plan or a state. Read it, and add more keys
# (comma-separated), in Secrets Manager: tasks read the secret again within a minute.
module "api_keys" {
  source = "./modules/secret"

  name                 = "${local.name}-api-keys"
  description          = "API keys for writes to ${local.name}, comma-separated"
  recovery_window_days = var.deletion_protection ? 7 : 0
}
