output "log_groups" {
  description = "Name and ARN of each log group, by program: app, prometheus, collector."
  value       = { for writer, group in aws_cloudwatch_log_group.this : writer => { name = group.name, arn = group.arn } }
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}

output "query_names" {
  description = "Names of the saved Logs Insights queries."
  value       = sort([for query in aws_cloudwatch_query_definition.this : query.name])
}

output "heartbeat_topic_arn" {
  description = "SNS topic for Alertmanager's heartbeat."
  value       = aws_sns_topic.heartbeat.arn
}
