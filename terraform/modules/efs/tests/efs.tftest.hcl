mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_resource "aws_efs_file_system" {
    defaults = { arn = "arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-1" }
  }
}

variables {
  name                      = "test-shop"
  vpc_id                    = "vpc-1"
  subnet_ids                = ["subnet-1", "subnet-2"]
  client_security_group_ids = { prometheus = "sg-1" }
}

run "storage" {
  command = apply

  assert {
    condition     = aws_efs_file_system.this.encrypted
    error_message = "It must be encrypted."
  }

  assert {
    condition     = length(aws_efs_mount_target.this) == 2
    error_message = "Every zone needs a mount target."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.clients : rule.cidr_ipv4 == null && rule.referenced_security_group_id == "sg-1" && rule.from_port == 2049])
    error_message = "Only the given security groups reach it."
  }

  assert {
    condition     = one(aws_efs_access_point.this.posix_user).uid == 65534
    error_message = "Files must belong to 65534 (nobody), not to root."
  }

  assert {
    condition = contains(flatten([
      for statement in data.aws_iam_policy_document.this.statement :
      [for condition in statement.condition : condition.values if condition.variable == "elasticfilesystem:AccessPointArn"]
      if statement.sid == "MountByAccessPoint"
    ]), aws_efs_access_point.this.arn)
    error_message = "It must be mounted through the access point only."
  }
}
