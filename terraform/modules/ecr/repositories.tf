locals {
  repositories = {
    app        = var.name
    prometheus = "${var.name}-prometheus"
  }
}

resource "aws_ecr_repository" "this" {
  #checkov:skip=CKV_AWS_136: encrypted with ECR's own key; the images hold no secrets
  for_each = local.repositories

  name                 = each.value
  image_tag_mutability = "IMMUTABLE" # a tag is a commit, and stays that commit
  force_delete         = var.force_delete

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "AES256"
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "What a push left without a tag goes after a day"
        selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 1 }
        action       = { type = "expire" }
      },
      {
        rulePriority = 2
        description  = "The newest stay"
        selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = var.kept_images }
        action       = { type = "expire" }
      },
    ]
  })
}
