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
  image_tag_mutability = "IMMUTABLE" # a tag is a commit or a hash of a folder
  force_delete         = var.force_delete

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "AES256"
  }
}

# A tag names an index: an image for each CPU architecture, with SBOM and provenance. These four have no tag of their own.
# ECR does not expire an image while an index refers to it, so the first rule deletes them only after their index. The
# second rule counts tags, not images.
resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "Delete images without a tag after a day"
        selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 1 }
        action       = { type = "expire" }
      },
      {
        rulePriority = 2
        description  = "Keep the newest tags"
        selection    = { tagStatus = "tagged", tagPatternList = ["*"], countType = "imageCountMoreThan", countNumber = var.kept_images }
        action       = { type = "expire" }
      },
    ]
  })
}
