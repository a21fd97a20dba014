output "alb_dns_name" {
  description = "The load balancer's own name."
  value       = aws_lb.this.dns_name
}

output "alb_zone_id" {
  description = "The zone of that name, for alias records."
  value       = aws_lb.this.zone_id
}

output "alb_arn" {
  description = "The load balancer."
  value       = aws_lb.this.arn
}

output "alb_arn_suffix" {
  description = "What its metrics are found by."
  value       = aws_lb.this.arn_suffix
}

output "target_group_arn_suffix" {
  description = "What its targets' metrics are found by."
  value       = aws_lb_target_group.this.arn_suffix
}

output "alb_security_group_id" {
  description = "The load balancer's security group."
  value       = aws_security_group.load_balancer.id
}

output "task_security_group_id" {
  description = "The tasks' security group."
  value       = aws_security_group.task.id
}

output "service_name" {
  description = "The service."
  value       = aws_ecs_service.this.name
}

output "service_arn" {
  description = "Its ARN."
  value       = aws_ecs_service.this.id
}

output "task_definition_arn" {
  description = "What its tasks are made from."
  value       = aws_ecs_task_definition.this.arn
}

output "task_definition_family" {
  description = "The family of that."
  value       = aws_ecs_task_definition.this.family
}

output "task_role_arn" {
  description = "Who the program is."
  value       = aws_iam_role.task.arn
}

output "execution_role_arn" {
  description = "Who starts its tasks."
  value       = aws_iam_role.execution.arn
}

output "vcpus" {
  description = "vCPUs of one task, which Fargate's quotas count."
  value       = var.cpu / 1024
}

output "rollback_alarm_names" {
  description = "The alarms that take a deployment back."
  value       = local.rollback_alarm_names
}
