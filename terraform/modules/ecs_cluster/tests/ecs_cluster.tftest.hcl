mock_provider "aws" {}

variables {
  name   = "dev-chalice-app"
  vpc_id = "vpc-1"
}

run "cluster" {
  command = apply

  assert {
    condition     = one(aws_ecs_cluster.this.setting).value == "enabled"
    error_message = "The alarms need Container Insights."
  }

  assert {
    condition     = aws_cloudwatch_log_group.insights.name == "/aws/ecs/containerinsights/dev-chalice-app/performance"
    error_message = "The log group of Container Insights must be deleted with the cluster."
  }

  assert {
    condition     = aws_ecs_cluster_capacity_providers.this.capacity_providers == toset(["FARGATE", "FARGATE_SPOT"])
    error_message = "The cluster must have FARGATE and FARGATE_SPOT."
  }

  assert {
    condition     = output.namespace_name == "dev-chalice-app.internal"
    error_message = "Prometheus looks for tasks under <name>.internal."
  }
}
