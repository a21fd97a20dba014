output "alb_dns_name" {
  description = "DNS name of the load balancer."
  value       = aws_lb.this.dns_name
}

output "alb_zone_id" {
  description = "Hosted zone of that DNS name, for alias records."
  value       = aws_lb.this.zone_id
}

output "alb_arn" {
  description = "ARN of the load balancer."
  value       = aws_lb.this.arn
}

output "alb_arn_suffix" {
  description = "Load balancer as a dimension of CloudWatch metrics."
  value       = aws_lb.this.arn_suffix
}

output "target_group_arn_suffix" {
  description = "Target group as a dimension of CloudWatch metrics."
  value       = aws_lb_target_group.this.arn_suffix
}

output "alb_security_group_id" {
  description = "Security group of the load balancer."
  value       = aws_security_group.load_balancer.id
}

output "task_security_group_id" {
  description = "Security group of the tasks."
  value       = aws_security_group.task.id
}

output "service_name" {
  description = "Name of the service."
  value       = aws_ecs_service.this.name
}

output "service_arn" {
  description = "ARN of the service."
  value       = aws_ecs_service.this.id
}

output "task_definition_arn" {
  description = "ARN of the task definition."
  value       = aws_ecs_task_definition.this.arn
}

output "task_definition_family" {
  description = "Family of the task definition."
  value       = aws_ecs_task_definition.this.family
}

output "task_role_arn" {
  description = "Role with which the task's programs call AWS."
  value       = aws_iam_role.task.arn
}

output "execution_role_arn" {
  description = "Role with which ECS starts the tasks."
  value       = aws_iam_role.execution.arn
}

output "task_trust_policy" {
  description = "Trust policy of the roles, in JSON: ECS tasks of this account."
  value       = data.aws_iam_policy_document.trust.json
}

output "vcpus" {
  description = "vCPUs of one task, for Fargate's quotas."
  value       = var.cpu / 1024
}

output "rollback_alarm_names" {
  description = "Alarms on which ECS rolls a deployment back."
  value       = local.rollback_alarm_names
}
