locals {
  stop_timeout_seconds = var.poll.drain_seconds + 10 # what is cut off is given back, and the last lines are written

  environments = {
    poll = merge(
      var.environment,
      {
        CHALICE_STAGE = var.stage
        DRAIN_SECONDS = tostring(var.poll.drain_seconds)
        METRICS_PORT  = "9090"
        PORT          = "9090" # fargate.probe asks this one
      },
      length(local.poll_queues) == 0 ? {} : { POLL_QUEUES = join(",", local.poll_queues) },
    )
    invoke = merge(var.environment, { CHALICE_STAGE = var.stage })
  }

  # Queues that no decorator names.
  poll_queues = [for key in sort(keys(var.queues)) : "${var.queues[key].handler}=${var.queues[key].arn}" if var.queues[key].handler != null]

  container = {
    name                   = "app"
    image                  = var.image
    essential              = true
    user                   = var.user
    privileged             = false
    readonlyRootFilesystem = !var.writable_root_filesystem
    linuxParameters        = { initProcessEnabled = true }
    secrets                = [for name in sort(keys(var.secrets)) : { name = name, valueFrom = var.secrets[name] }]
  }

  containers = {
    poll = merge(local.container, local.variables.poll, {
      command     = ["chalice-fargate", "poll", var.app]
      stopTimeout = local.stop_timeout_seconds
      # Not the image's, which ECS does not read anyway. Without one, ECS takes a task for healthy that ends with status 2 at
      # its start, stops the old ones, and never rolls back. It is patient: a handler may hold the interpreter for a while.
      healthCheck      = { command = ["CMD", "python", "-m", "fargate.probe"], interval = 15, timeout = 10, retries = 10, startPeriod = 60 }
      logConfiguration = { logDriver = "awslogs", options = merge(local.log_options.poll, { mode = "non-blocking", max-buffer-size = "25m" }) }
    })
    invoke = merge(local.container, local.variables.invoke, {
      command          = ["chalice-fargate", "invoke", "--help"] # a schedule has its own
      stopTimeout      = 120                                     # for the handler's `finally`
      logConfiguration = { logDriver = "awslogs", options = merge(local.log_options.invoke, { mode = "blocking" }) }
    })
  }

  variables = {
    for kind, environment in local.environments :
    kind => { environment = [for name in sort(keys(environment)) : { name = name, value = environment[name] }] }
  }

  log_options = {
    for kind in ["poll", "invoke"] :
    kind => { awslogs-region = var.region, awslogs-group = aws_cloudwatch_log_group.this.name, awslogs-stream-prefix = kind }
  }

  # What there is: `poll` if there are queues, `invoke` if there are schedules.
  tasks = merge(
    length(var.queues) > 0 ? { poll = { cpu = var.poll.cpu, memory = var.poll.memory } } : {},
    length(var.schedules) > 0 ? { invoke = { cpu = var.invoke.cpu, memory = var.invoke.memory } } : {},
  )
}

resource "aws_ecs_task_definition" "this" {
  for_each = local.tasks

  family                   = "${var.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = each.value.cpu
  memory                   = each.value.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task[each.key].arn
  container_definitions    = jsonencode([local.containers[each.key]])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }
}
