# The app tests/apps/projects/handlers with a cluster and queues of its own; the network and the image are given. It has its
# own state and is no part of the shop's stack: terraform -chdir=terraform/examples/handlers apply
provider "aws" {
  region = var.region
}

resource "aws_ecs_cluster" "this" {
  #checkov:skip=CKV_AWS_65: the alarms here need no Container Insights
  name = var.name
}

module "handlers" {
  source = "../../modules/chalice_handlers"

  name             = var.name
  region           = var.region
  cluster_arn      = aws_ecs_cluster.this.arn
  vpc_id           = var.vpc_id
  subnet_ids       = var.subnet_ids
  image            = var.image
  stage            = "prod"
  alarm_topic_arns = var.alarm_topic_arns

  queues = {
    orders = { arn = aws_sqs_queue.orders.arn, late_seconds = 120, max_receive_count = 3 }
    news   = { arn = aws_sqs_queue.news.arn, handler = "read_news", max_receive_count = 5 }
  }

  schedules = {
    hourly       = { expression = "rate(1 hour)" }
    jobs_nightly = { expression = "cron(0 4 * * ? *)" }
    minutely     = { expression = "rate(1 minute)", enabled = false } # 9 USD a month: one task of `schedule` costs less
    weekly = {
      handler          = "surroundings"
      expression       = "cron(0 6 ? * MON *)"
      timezone         = "Europe/Berlin"
      flexible_minutes = 15
      event            = jsonencode({ week_until = "<aws.scheduler.scheduled-time>" })
    }
  }
}
