locals {
  log_options = {
    awslogs-region = var.region
    # Never wait for CloudWatch: when the buffer is full, log lines are lost.
    mode            = "non-blocking"
    max-buffer-size = "25m"
  }

  # CPU and memory that the other containers leave. Without an explicit CPU share the container would get almost none under
  # load. Its memory is a reservation, not a limit: it may also use what the others do not use.
  container_cpu    = var.cpu - sum(concat([0], var.tracing_sidecar[*].cpu, values(var.companions)[*].cpu))
  container_memory = var.memory - sum(concat([0], var.tracing_sidecar[*].memory, values(var.companions)[*].memory))

  container = {
    name                   = var.container.name
    image                  = var.container.image
    essential              = true
    cpu                    = local.container_cpu
    memoryReservation      = local.container_memory
    user                   = var.container.user
    privileged             = false
    readonlyRootFilesystem = true
    stopTimeout            = var.stop_timeout_seconds
    linuxParameters        = { initProcessEnabled = true }
    portMappings           = [{ containerPort = var.container.port, hostPort = var.container.port, protocol = "tcp" }]
    environment            = [for name in sort(keys(var.environment)) : { name = name, value = var.environment[name] }]
    secrets                = [for name in sort(keys(var.secrets)) : { name = name, valueFrom = var.secrets[name] }]
    mountPoints            = [for each in var.volume[*] : { sourceVolume = "data", containerPath = each.path, readOnly = false }]
    logConfiguration = {
      logDriver = "awslogs"
      options   = merge(local.log_options, { awslogs-group = var.log_group_name, awslogs-stream-prefix = var.container.name })
    }
  }

  # Null values must be left out: otherwise every plan shows a difference.
  optional = {
    command = var.container.command
    # The collector starts first and stops last, so it still receives traces during the drain.
    dependsOn = var.tracing_sidecar == null ? null : [{ containerName = "collector", condition = "START" }]
    healthCheck = var.container.health_check_command == null ? null : {
      command = var.container.health_check_command, interval = 10, timeout = 5, retries = 3, startPeriod = 30
    }
  }

  collector = [for sidecar in var.tracing_sidecar[*] : {
    name                   = "collector"
    image                  = sidecar.image
    essential              = false # without it only traces are lost
    cpu                    = sidecar.cpu
    memory                 = sidecar.memory
    user                   = "10001:10001"
    readonlyRootFilesystem = true
    restartPolicy          = { enabled = true, restartAttemptPeriod = 60 } # the shortest period that ECS allows
    environment = [
      # The limiter counts the heap, which is some 50 MiB less than the process takes, so its limit is well below.
      { name = "AOT_CONFIG_CONTENT", value = templatefile("${path.module}/collector.yml", { limit_mib = floor(sidecar.memory * 0.6) }) },
      { name = "GOMEMLIMIT", value = "${floor(sidecar.memory * 0.8)}MiB" },
    ]
    logConfiguration = {
      logDriver = "awslogs"
      options   = merge(local.log_options, { awslogs-group = sidecar.log_group.name, awslogs-stream-prefix = "collector" })
    }
  }]
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  skip_destroy             = var.keep_task_definitions # old revisions are needed until the roll-out, and for a roll-back
  container_definitions = jsonencode(concat(
    [merge(local.container, { for key, value in local.optional : key => value if value != null })],
    local.collector,
    local.companions,
  ))

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  dynamic "volume" {
    for_each = var.volume[*]

    content {
      name = "data"

      efs_volume_configuration {
        file_system_id     = volume.value.file_system_id
        transit_encryption = "ENABLED"

        authorization_config {
          access_point_id = volume.value.access_point_id
          iam             = "ENABLED"
        }
      }
    }
  }

  lifecycle {
    # The program needs up to 2 s more to write its last log lines.
    precondition {
      condition     = var.drain_accept_seconds + var.drain_seconds + 3 <= var.stop_timeout_seconds
      error_message = "drain_accept_seconds (${var.drain_accept_seconds}) and drain_seconds (${var.drain_seconds}) together must be at least 3 s shorter than stop_timeout_seconds (${var.stop_timeout_seconds}): otherwise SIGKILL comes before the last response or the last log line."
    }
  }
}
