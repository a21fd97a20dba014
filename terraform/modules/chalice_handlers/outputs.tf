output "security_group_id" {
  description = "Security group of the tasks, for rules of what they may reach, and of what reads their metrics on port 9090."
  value       = aws_security_group.this.id
}

output "log_group_name" {
  description = "Log group; the streams begin with poll/ and invoke/."
  value       = aws_cloudwatch_log_group.this.name
}

output "service_name" {
  description = "Name of the service that consumes the queues; null without queues."
  value       = one(aws_ecs_service.poll[*].name)
}

output "task_role_arns" {
  description = "Roles of the handlers, by command: poll and invoke."
  value       = { for kind, role in aws_iam_role.task : kind => role.arn }
}

output "invoke_task_definition_arn" {
  description = "Task definition for further starts of invoke, such as by Step Functions; null without schedules."
  value       = one([for kind, each in aws_ecs_task_definition.this : each.arn if kind == "invoke"])
}

output "dead_letter_queue_urls" {
  description = "The dead letter queues made here, by the key of their queue."
  value       = { for key, queue in aws_sqs_queue.dead_letters : key => queue.url }
}

output "failed_runs_queue_url" {
  description = "The queue of runs that failed or were not started; null without schedules."
  value       = one(aws_sqs_queue.failed_runs[*].url)
}
