# Container Insights writes to this group and would create it itself. As part of the state, `destroy` deletes it too.
resource "aws_cloudwatch_log_group" "insights" {
  #checkov:skip=CKV_AWS_158: encrypted with CloudWatch's own key; CPU and memory figures are no secrets
  #checkov:skip=CKV_AWS_338: CloudWatch keeps the metrics from these lines for 15 months; a day is AWS' own retention of the lines
  name              = "/aws/ecs/containerinsights/${var.name}/performance"
  retention_in_days = 1
}

resource "aws_ecs_cluster" "this" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }

  depends_on = [aws_cloudwatch_log_group.insights]
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]

  default_capacity_provider_strategy {
    capacity_provider = "FARGATE"
    base              = 1
    weight            = 1
  }
}

# One A record for each task, for Prometheus.
resource "aws_service_discovery_private_dns_namespace" "this" {
  name        = "${var.name}.internal"
  description = "The tasks of ${var.name}"
  vpc         = var.vpc_id
}
