output "task_definition_arn" {
  description = "ARN of the task definition."
  value       = aws_ecs_task_definition.this.arn
}

output "task_role_arn" {
  description = "Role of the task's program."
  value       = aws_iam_role.task.arn
}

output "vcpus" {
  description = "vCPUs of the task, for Fargate's quotas."
  value       = var.cpu / 1024
}
