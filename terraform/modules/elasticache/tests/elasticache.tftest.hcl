mock_provider "aws" {
  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:cache" }
  }
}

variables {
  name                      = "test-shop"
  vpc_id                    = "vpc-1"
  subnet_ids                = ["subnet-1", "subnet-2"]
  client_security_group_ids = { app = "sg-1" }
  node_type                 = "cache.t4g.micro"
  replicas                  = 1
  multi_az                  = true
}

run "encrypted_private_and_without_passwords_in_the_state" {
  command = apply

  assert {
    condition     = aws_elasticache_replication_group.this.transit_encryption_enabled && tobool(aws_elasticache_replication_group.this.at_rest_encryption_enabled)
    error_message = "Encrypted in transit and at rest."
  }

  assert {
    condition     = aws_elasticache_replication_group.this.automatic_failover_enabled && aws_elasticache_replication_group.this.num_cache_clusters == 2
    error_message = "A replica must take over automatically."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.clients : rule.cidr_ipv4 == null && rule.from_port == 6379 && rule.to_port == 6379])
    error_message = "Only security groups, only the cache's port."
  }

  assert {
    condition     = contains([for parameter in aws_elasticache_parameter_group.this.parameter : "${parameter.name}=${parameter.value}"], "maxmemory-policy=allkeys-lru")
    error_message = "Fences expire soonest: they must not be evicted first."
  }

  assert {
    condition     = aws_elasticache_parameter_group.this.family == "valkey8"
    error_message = "The family follows the engine."
  }

  assert {
    condition     = aws_elasticache_replication_group.this.auth_token == null && length(aws_elasticache_user.nobody) == 0
    error_message = "No password may be an attribute of a resource: it would be in the state."
  }

  assert {
    condition     = strcontains(aws_cloudformation_stack.user.template_body, "{{resolve:secretsmanager:${module.secret.arn}:SecretString:password::${module.secret.version_id}}}")
    error_message = "CloudFormation must read the password from Secrets Manager, and again when it changes."
  }

  assert {
    condition     = output.member_cluster_ids == ["test-shop-001", "test-shop-002"]
    error_message = "The alarms need the node ids before the nodes exist."
  }
}

run "redis" {
  command = apply

  variables {
    engine         = "redis"
    engine_version = "7.1"
  }

  assert {
    condition     = aws_elasticache_parameter_group.this.family == "redis7" && aws_elasticache_user.nobody[0].access_string == "off ~* -@all"
    error_message = "Redis' default user must have no permissions."
  }
}

run "failing_over_to_nothing_is_refused" {
  command = plan

  variables {
    replicas = 0
  }

  expect_failures = [var.multi_az]
}

run "bad_values_are_refused" {
  command = plan

  variables {
    name                    = "a-name-of-thirty-four-characters-x"
    subnet_ids              = ["subnet-1"]
    engine                  = "redis" # whose newest here is 7.1, not 8.0
    snapshot_retention_days = 36
  }

  expect_failures = [var.name, var.subnet_ids, var.engine_version, var.snapshot_retention_days]
}

run "too_many_replicas_are_refused" {
  command = plan

  variables {
    replicas = 6
  }

  expect_failures = [var.replicas]
}
