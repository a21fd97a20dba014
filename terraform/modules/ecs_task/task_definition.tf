locals {
  container = {
    name                   = var.container.name
    image                  = var.container.image
    command                = var.container.command
    essential              = true
    user                   = var.container.user
    privileged             = false
    readonlyRootFilesystem = true
    linuxParameters        = { initProcessEnabled = true }
    environment            = [for name in sort(keys(var.environment)) : { name = name, value = var.environment[name] }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-region        = var.region
        awslogs-group         = var.log_group_name
        awslogs-stream-prefix = var.container.name
        mode                  = "blocking" # wait for CloudWatch, so that no log line is lost
      }
    }
  }
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = var.execution_role_arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions    = jsonencode([local.container])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }
}
