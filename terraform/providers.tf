provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Environment = var.env
      Service     = var.service
      Team        = var.team
      ManagedBy   = "terraform"
    }
  }
}
