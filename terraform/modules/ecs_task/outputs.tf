output "task_definition_arn" {
  description = "What the task is made from."
  value       = aws_ecs_task_definition.this.arn
}

output "task_role_arn" {
  description = "Who the program is."
  value       = aws_iam_role.task.arn
}

output "vcpus" {
  description = "vCPUs of the task, which Fargate's quotas count."
  value       = var.cpu / 1024
}
