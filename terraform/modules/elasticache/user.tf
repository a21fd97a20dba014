locals {
  user = "${var.name}-app"
}

module "secret" {
  source = "../secret"

  name             = "${var.name}-cache"
  description      = "Who the programs of ${var.name} are to its cache"
  username         = local.user
  password_version = var.password_version
}

# ElastiCache takes the password from Secrets Manager by itself. aws_elasticache_user has no write-only argument for it,
# and would keep it in the state; CloudFormation resolves the reference on its own side. It does so again only where the
# reference itself has changed, hence the version in it:
# https://repost.aws/knowledge-center/cloudformation-stack-update-secrets
resource "aws_cloudformation_stack" "user" {
  #checkov:skip=CKV_AWS_124: it holds one user; Terraform tells of its failure
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

# Redis wants a user of the name "default" in every group; this one may do nothing.
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
