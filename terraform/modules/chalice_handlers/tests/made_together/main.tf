# A root in which all that the module is given is made by the same apply, so that the plan does not know it.
resource "terraform_data" "made" {
  for_each = {
    cluster = "arn:aws:ecs:eu-west-1:123456789012:cluster/shop"
    image   = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/handlers:0123abc"
    key     = "arn:aws:kms:eu-west-1:123456789012:key/1"
    queue   = "arn:aws:sqs:eu-west-1:123456789012:orders.fifo"
    secret  = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"
    topic   = "arn:aws:sns:eu-west-1:123456789012:on-call"
  }

  input = each.value
}

module "handlers" {
  source = "../.."

  name             = "handlers"
  region           = "eu-west-1"
  cluster_arn      = terraform_data.made["cluster"].output
  vpc_id           = "vpc-1"
  subnet_ids       = ["subnet-1"]
  image            = terraform_data.made["image"].output
  secrets          = { DATABASE_URL = terraform_data.made["secret"].output }
  alarm_topic_arns = [terraform_data.made["topic"].output]
  queues           = { orders = { arn = terraform_data.made["queue"].output, kms_key_arn = terraform_data.made["key"].output, max_receive_count = 3 } }
  schedules        = { nightly = { expression = "cron(0 4 * * ? *)" } }
}
