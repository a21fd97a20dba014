resource "aws_ecs_service" "this" {
  name                              = var.name
  cluster                           = var.cluster_arn
  task_definition                   = aws_ecs_task_definition.this.arn
  desired_count                     = var.task_count.min
  platform_version                  = "1.4.0"
  health_check_grace_period_seconds = 60
  propagate_tags                    = "SERVICE"
  enable_execute_command            = false # the root file system is read-only: a shell would be of no use
  wait_for_steady_state             = var.wait_for_steady_state
  force_new_deployment              = true # otherwise the provider replaces the service when capacity providers change

  deployment_minimum_healthy_percent = var.deployment.minimum_percent
  deployment_maximum_percent         = var.deployment.maximum_percent

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  # Keep the block with enabled = false too: the provider does not switch alarms off when the block is removed.
  dynamic "alarms" {
    for_each = var.rollback_alarms[*]

    content {
      enable      = alarms.value.enabled
      rollback    = true
      alarm_names = local.rollback_alarm_names
    }
  }

  capacity_provider_strategy {
    capacity_provider = "FARGATE"
    base              = var.task_count.min
    weight            = 100 - var.spot_weight
  }

  dynamic "capacity_provider_strategy" {
    for_each = var.spot_weight > 0 ? [var.spot_weight] : []

    content {
      capacity_provider = "FARGATE_SPOT"
      weight            = capacity_provider_strategy.value
    }
  }

  network_configuration {
    subnets          = var.private_subnet_ids
    security_groups  = [aws_security_group.task.id]
    assign_public_ip = var.assign_public_ip
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.this.arn
    container_name   = var.container.name
    container_port   = var.container.port
  }

  service_registries {
    registry_arn = aws_service_discovery_service.this.arn
  }

  lifecycle {
    ignore_changes = [desired_count] # autoscaling sets it
  }

  depends_on = [aws_lb_listener.https, aws_iam_role_policy.execution, aws_iam_role_policy.task]
}

# An A record for each task. ECS reports their health, so there is no Route 53 health check.
resource "aws_service_discovery_service" "this" {
  name          = var.discovery_name
  description   = "The tasks of ${var.name}"
  force_destroy = true

  dns_config {
    namespace_id   = var.discovery_namespace_id
    routing_policy = "MULTIVALUE"

    dns_records {
      type = "A"
      ttl  = 5
    }
  }

  health_check_custom_config {
    failure_threshold = 1
  }

  lifecycle {
    ignore_changes = [health_check_custom_config] # AWS returns a different threshold
  }
}
