locals {
  user = "${var.name}-app"
}

module "secret" {
  source = "../secret"

  name             = "${var.name}-cache"
  description      = "Login of ${var.name} to its cache"
  username         = local.user
  password_version = var.password_version
}

# CloudFormation reads the password from Secrets Manager, so it is never in the state; aws_elasticache_user has no
# write-only argument for it. CloudFormation resolves the reference again only if the reference changes, so it contains
# the version:
# https://repost.aws/knowledge-center/cloudformation-stack-update-secrets
resource "aws_cloudformation_stack" "user" {
  #checkov:skip=CKV_AWS_124: it holds one user, and Terraform reports its failure
  name = "${var.name}-cache-user"

  template_body = jsonencode({
    Description = "The user of the programs of ${var.name} in its cache"
    Resources = {
      User = {
        Type = "AWS::ElastiCache::User"
        Properties = {
          UserId       = local.user
          UserName     = local.user
          Engine       = var.engine
          AccessString = "on ~p1:* +@read +@write +@scripting +@connection +time -@dangerous -@admin +info"
          Passwords    = ["{{resolve:secretsmanager:${module.secret.arn}:SecretString:password::${module.secret.version_id}}}"]
        }
      }
    }
    Outputs = { UserId = { Value = { Ref = "User" } } }
  })
}

# Redis requires a user named "default" in every group. This one has no permissions.
resource "aws_elasticache_user" "nobody" {
  count = var.engine == "redis" ? 1 : 0

  user_id              = "${var.name}-nobody"
  user_name            = "default"
  engine               = "redis"
  access_string        = "off ~* -@all"
  no_password_required = true
}

resource "aws_elasticache_user_group" "this" {
  user_group_id = var.name
  engine        = var.engine
  user_ids      = concat([local.user], aws_elasticache_user.nobody[*].user_id)

  depends_on = [aws_cloudformation_stack.user]
}
