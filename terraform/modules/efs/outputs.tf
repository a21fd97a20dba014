output "file_system_id" {
  description = "The file system."
  value       = aws_efs_file_system.this.id
}

output "file_system_arn" {
  description = "Its ARN."
  value       = aws_efs_file_system.this.arn
}

output "access_point_id" {
  description = "Through which it is mounted."
  value       = aws_efs_access_point.this.id
}

output "access_point_arn" {
  description = "Its ARN."
  value       = aws_efs_access_point.this.arn
}

output "security_group_id" {
  description = "The mount targets' security group."
  value       = aws_security_group.this.id

  depends_on = [aws_efs_mount_target.this]
}
