resource "aws_ecs_service" "poll" {
  count = length(var.queues) > 0 ? 1 : 0

  name                   = "${var.name}-poll"
  cluster                = var.cluster_arn
  task_definition        = aws_ecs_task_definition.this["poll"].arn
  desired_count          = var.poll.tasks.min
  launch_type            = "FARGATE"
  propagate_tags         = "SERVICE"
  enable_execute_command = false # a shell would be of no use: the root file system is read-only

  # Two versions may consume the same queues.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.this.id]
    assign_public_ip = var.assign_public_ip
  }

  lifecycle {
    ignore_changes = [desired_count] # autoscaling sets it
  }

  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy.task]
}
