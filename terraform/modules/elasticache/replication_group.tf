locals {
  family = var.engine == "valkey" ? "valkey${split(".", var.engine_version)[0]}" : (startswith(var.engine_version, "6") ? "redis6.x" : "redis${split(".", var.engine_version)[0]}")
}

resource "aws_elasticache_subnet_group" "this" {
  name        = var.name
  description = "Isolated subnets of ${var.name}"
  subnet_ids  = var.subnet_ids
}

resource "aws_elasticache_parameter_group" "this" {
  name        = "${var.name}-${replace(local.family, ".", "-")}"
  description = "The cache of ${var.name}"
  family      = local.family

  # When memory is full, evict the least recently used keys. volatile-ttl would evict the keys that expire soonest: the
  # fences of running writes (docs/cache.md).
  parameter {
    name  = "maxmemory-policy"
    value = "allkeys-lru"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_elasticache_replication_group" "this" {
  #checkov:skip=CKV_AWS_31: a user group with passwords replaces the older AUTH token
  #checkov:skip=CKV_AWS_191: encrypted with ElastiCache's own key
  #checkov:skip=CKV2_AWS_50: a variable; dev does without
  replication_group_id = var.name
  description          = "The cache of ${var.name}"
  engine               = var.engine
  engine_version       = var.engine_version
  node_type            = var.node_type
  port                 = 6379
  num_cache_clusters   = var.replicas + 1

  automatic_failover_enabled = var.replicas > 0
  multi_az_enabled           = var.multi_az

  subnet_group_name    = aws_elasticache_subnet_group.this.name
  security_group_ids   = [aws_security_group.this.id]
  parameter_group_name = aws_elasticache_parameter_group.this.name
  user_group_ids       = [aws_elasticache_user_group.this.id]

  transit_encryption_enabled = true
  at_rest_encryption_enabled = true

  snapshot_retention_limit   = var.snapshot_retention_days
  snapshot_window            = var.snapshot_window
  maintenance_window         = "sun:04:30-sun:05:30"
  auto_minor_version_upgrade = true
  apply_immediately          = true
}
