mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_sqs_queue" {
    defaults = { url = "https://sqs.eu-west-1.amazonaws.com/123456789012/news" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/r" }
  }
  mock_resource "aws_ecs_task_definition" {
    defaults = {
      arn                  = "arn:aws:ecs:eu-west-1:123456789012:task-definition/handlers-invoke:7"
      arn_without_revision = "arn:aws:ecs:eu-west-1:123456789012:task-definition/handlers-invoke"
    }
  }
  mock_resource "aws_sqs_queue" {
    defaults = {
      arn = "arn:aws:sqs:eu-west-1:123456789012:made"
      url = "https://sqs.eu-west-1.amazonaws.com/123456789012/made"
    }
  }
  mock_resource "aws_scheduler_schedule_group" {
    defaults = { arn = "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/handlers" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-west-1:123456789012:rule/handlers-failed-run" }
  }
  mock_resource "aws_appautoscaling_policy" {
    defaults = { arn = "arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:1:policyName/p" }
  }
}

variables {
  name             = "handlers"
  region           = "eu-west-1"
  cluster_arn      = "arn:aws:ecs:eu-west-1:123456789012:cluster/shop"
  vpc_id           = "vpc-1"
  subnet_ids       = ["subnet-1"]
  image            = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/handlers:0123abc"
  alarm_topic_arns = ["arn:aws:sns:eu-west-1:123456789012:on-call"]
  queues = {
    news = { arn = "arn:aws:sqs:eu-west-1:123456789012:news" }
  }
  schedules = {
    nightly = { expression = "cron(0 4 * * ? *)" }
  }
}

run "keys_secrets_and_further_permissions_are_granted_where_they_are_given" {
  command = apply

  variables {
    queues = {
      orders = { arn = "arn:aws:sqs:eu-west-1:123456789012:orders.fifo", kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/1", max_receive_count = 3 }
      news   = { arn = "arn:aws:sqs:eu-west-1:123456789012:news", handler = "read_news" }
    }
    secrets = { DATABASE_URL = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf:url::" }
    poll    = { permissions = { WriteOrders = { actions = ["dynamodb:PutItem"], resources = ["arn:aws:dynamodb:eu-west-1:123456789012:table/orders"] } } }
    invoke  = { permissions = { ReadOrders = { actions = ["dynamodb:GetItem"], resources = ["arn:aws:dynamodb:eu-west-1:123456789012:table/orders"] } } }
  }

  assert {
    condition     = { for statement in data.aws_iam_policy_document.task["poll"].statement : statement.sid => sort(statement.actions) }["DecryptMessages"] == tolist(["kms:Decrypt"]) && one(one([for statement in data.aws_iam_policy_document.task["poll"].statement : statement.condition if statement.sid == "DecryptMessages"])).values == tolist(["sqs.eu-west-1.amazonaws.com"])
    error_message = "The key of a queue may be used for messages."
  }

  assert {
    condition     = toset([for statement in data.aws_iam_policy_document.task["poll"].statement : statement.sid]) == toset(["ConsumeQueues", "DecryptMessages", "WriteOrders"]) && [for statement in data.aws_iam_policy_document.task["invoke"].statement : statement.sid] == ["ReadOrders"]
    error_message = "Each command has the permissions of its own handlers."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.execution.statement : tolist(statement.resources) if statement.sid == "ReadEnvironmentSecrets"] == [tolist(["arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"])]
    error_message = "ECS may read the whole secret of which a variable is a key."
  }

  assert {
    condition     = aws_sqs_queue.dead_letters["orders"].fifo_queue && endswith(aws_sqs_queue.dead_letters["orders"].name, ".fifo") && aws_sqs_queue.dead_letters["orders"].kms_master_key_id == "arn:aws:kms:eu-west-1:123456789012:key/1" && keys(aws_sqs_queue.dead_letters) == ["orders"]
    error_message = "A dead letter queue is of the kind of its queue, has its key, and is only there where it is asked for."
  }

  assert {
    condition     = local.environments.poll.POLL_QUEUES == "read_news=arn:aws:sqs:eu-west-1:123456789012:news"
    error_message = "Only queues that no decorator names are in POLL_QUEUES."
  }
}

run "an_app_without_schedules_has_nothing_that_starts_tasks" {
  command = apply

  variables {
    schedules = {}
  }

  assert {
    condition     = keys(aws_ecs_task_definition.this) == ["poll"] && length(aws_iam_role.scheduler) + length(aws_sqs_queue.failed_runs) + length(aws_cloudwatch_event_rule.failed_run) == 0 && output.failed_runs_queue_url == null
    error_message = "Only poll must be there."
  }

  assert {
    condition     = one([for query in aws_cloudwatch_metric_alarm.age["late"].metric_query : query.expression if query.id == "lateness"]) == "age_news / 60"
    error_message = "One queue needs no maximum."
  }
}

run "an_app_without_queues_has_no_service" {
  command = apply

  variables {
    queues = {}
  }

  assert {
    condition     = keys(aws_ecs_task_definition.this) == ["invoke"] && length(aws_ecs_service.poll) + length(aws_appautoscaling_target.poll) + length(aws_cloudwatch_metric_alarm.age) == 0 && output.service_name == null
    error_message = "Only schedules must be there."
  }
}

run "a_fixed_number_of_tasks_is_not_scaled" {
  command = apply

  variables {
    poll = { tasks = { min = 2, max = 2 } }
  }

  assert {
    condition     = length(aws_appautoscaling_policy.poll) == 0 && keys(aws_cloudwatch_metric_alarm.age) == ["behind"] && aws_ecs_service.poll[0].desired_count == 2
    error_message = "There are no policies, but an alarm."
  }
}

run "the_names_that_scheduler_replaces_are_written_as_it_reads_them" {
  command = apply

  variables {
    schedules = {
      nightly = { expression = "cron(0 4 * * ? *)" }
      report  = { expression = "rate(1 day)", event = jsonencode({ until = "<aws.scheduler.scheduled-time>", text = "a \"quoted\" & <b>" }) }
    }
  }

  assert {
    condition     = alltrue([for name in ["nightly", "report"] : strcontains(aws_scheduler_schedule.this[name].target[0].input, "<aws.scheduler.scheduled-time>") && can(jsondecode(aws_scheduler_schedule.this[name].target[0].input))])
    error_message = "jsonencode writes < as an escape, which Scheduler would not recognise."
  }

  assert {
    condition     = jsondecode(jsondecode(aws_scheduler_schedule.this["report"].target[0].input).containerOverrides[0].command[6]) == { until = "<aws.scheduler.scheduled-time>", text = "a \"quoted\" & <b>" }
    error_message = "The event arrives as it was given."
  }
}

run "an_event_that_ecs_would_refuse_stops_the_plan" {
  command = plan

  variables {
    schedules = {
      nightly = { expression = "rate(1 day)", event = jsonencode({ text = format("%08100d", 0) }) }
    }
  }

  expect_failures = [aws_scheduler_schedule.this["nightly"]]
}

run "bad_values_are_refused" {
  command = plan

  variables {
    name        = "Handlers"
    cluster_arn = "shop"
    subnet_ids  = []
    image       = "handlers:latest"
    user        = "root"
    environment = { PORT = "80", DATABASE_URL = "postgresql://shop:secret@db.example/shop" }
    queues = {
      "Orders" = { arn = "arn:aws:sqs:us-east-1:123456789012:orders", late_seconds = 1, max_receive_count = 0 }
    }
    poll      = { tasks = { min = 2, max = 1 }, drain_seconds = 300, permissions = { All = { actions = ["sqs:*"], resources = ["*"] } } }
    schedules = { "every hour" = { expression = "1h", event = "\"text\"", start_within_seconds = 1 } }
    invoke    = { permissions = { All = { actions = ["*"], resources = ["*"] } } }
  }

  expect_failures = [var.name, var.cluster_arn, var.subnet_ids, var.image, var.user, var.environment, var.queues, var.poll, var.schedules, var.invoke]
}

run "more_queues_than_an_alarm_compares_are_refused" {
  command = plan

  variables {
    queues = { for number in range(11) : "q${number}" => { arn = "arn:aws:sqs:eu-west-1:123456789012:q${number}" } }
  }

  expect_failures = [var.queues]
}

run "queues_keys_and_the_cluster_may_be_made_by_the_same_apply" {
  command = plan

  module {
    source = "./tests/made_together"
  }
}
