variable "region" {
  description = "AWS region."
  type        = string
  default     = "eu-west-1"
}

variable "name" {
  description = "Name of the cluster, and prefix of other names."
  type        = string
  default     = "handlers"
}

variable "image" {
  description = "The app's image: chalice-fargate dockerfile in its folder, docker build, docker push."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the tasks."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets with a way to AWS: a NAT gateway, or endpoints for ECR, S3, CloudWatch Logs and SQS."
  type        = list(string)
}

variable "alarm_topic_arns" {
  description = "SNS topics that the alarms notify."
  type        = list(string)
  default     = []
}
