# The keys that open the writes. The first is made by Terraform and never stands in a plan or a state; whoever needs it
# reads it from Secrets Manager, and whoever adds more keys does so there: tasks read them again within a minute.
module "api_keys" {
  source = "./modules/secret"

  name                 = "${local.name}-api-keys"
  description          = "The keys that open the writes of ${local.name}, comma-separated"
  recovery_window_days = var.deletion_protection ? 7 : 0
}
