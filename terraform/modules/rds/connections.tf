locals {
  memory_gib = {
    "db.t4g.micro"   = 1
    "db.t4g.small"   = 2
    "db.t4g.medium"  = 4
    "db.t4g.large"   = 8
    "db.m7g.large"   = 8
    "db.m7g.xlarge"  = 16
    "db.m7g.2xlarge" = 32
    "db.r7g.large"   = 16
    "db.r7g.xlarge"  = 32
    "db.r7g.2xlarge" = 64
    "db.r7g.4xlarge" = 128
  }

  # RDS' default is LEAST(DBInstanceClassMemory / 9531392, 5000); that memory is nine tenths of the instance's or a little
  # more. Ten connections are reserved for RDS and superusers.
  # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections
  max_connections = min(floor(local.memory_gib[var.instance_class] * 1073741824 * 0.9 / 9531392), 5000) - 10

  # Clients connect to the proxy or the instance: the parts of its ARN, and its id for rds-db:connect (prx-... or db-...).
  target_arn = split(":", var.proxy_enabled ? aws_db_proxy.this[0].arn : aws_db_instance.this.arn)
  target_id  = var.proxy_enabled ? local.target_arn[6] : aws_db_instance.this.resource_id
}
