mock_provider "aws" {}

variables {
  name   = "dev-chalice-app"
  vpc_id = "vpc-1"
}

run "cluster" {
  command = apply

  assert {
    condition     = one(aws_ecs_cluster.this.setting).value == "enabled"
    error_message = "Container insights feed the alarms."
  }

  assert {
    condition     = aws_cloudwatch_log_group.insights.name == "/aws/ecs/containerinsights/dev-chalice-app/performance"
    error_message = "The group that container insights write to must be ours, so that it goes with the cluster."
  }

  assert {
    condition     = aws_ecs_cluster_capacity_providers.this.capacity_providers == toset(["FARGATE", "FARGATE_SPOT"])
    error_message = "Both kinds of Fargate must be there."
  }

  assert {
    condition     = output.namespace_name == "dev-chalice-app.internal"
    error_message = "Prometheus looks for tasks under <name>.internal."
  }
}
