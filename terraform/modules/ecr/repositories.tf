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
  image_tag_mutability = "IMMUTABLE" # a tag is a commit or a folder's content, and stays that
  force_delete         = var.force_delete

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "AES256"
  }
}

# A tag names an index: of an image for each kind of processor, with their SBOMs and provenance. Those have no tag, and are
# safe from the first rule: ECR expires nothing that an index refers to. They go after their index went. The second rule
# counts tags, and not these four beside each.
resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "What no tag leads to goes after a day"
        selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 1 }
        action       = { type = "expire" }
      },
      {
        rulePriority = 2
        description  = "The newest tags stay"
        selection    = { tagStatus = "tagged", tagPatternList = ["*"], countType = "imageCountMoreThan", countNumber = var.kept_images }
        action       = { type = "expire" }
      },
    ]
  })
}
