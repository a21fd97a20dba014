# Three zones with a NAT gateway each, standbys of both stores, room for a sale.
env                              = "prod"
team                             = "shop"
image_tag                        = "0123abc"
prometheus_image_tag             = "tree-0123abc"
certificate_arn                  = "arn:aws:acm:eu-west-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
sns_topic                        = "arn:aws:sns:eu-west-1:123456789012:on-call"
zone_id                          = "Z0123456789ABCDEFGHIJ"
domain_name                      = "shop.example.com"
prometheus_domain_name           = "prometheus.shop.example.com"
prometheus_web_config_secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prometheus-web-config-AbCdEf"
prometheus_allowed_cidrs         = ["203.0.113.0/24"]

zone_letters       = ["a", "b", "c"]
single_nat_gateway = false
app_cpu            = 1024
app_memory         = 2048
app_tasks          = { min = 3, max = 30 }
app_spot_weight    = 50
app_waf_enabled    = true
fargate_vcpu_quota = { on_demand = 40, spot = 30 } # request them first: docs/deploying.md, Quotas
app_autoscaling = {
  cpu_percent         = 50
  requests_per_target = 60000
  scheduled = [
    { name = "sale-begins", schedule = "cron(0 6 27 11 ? *)", min = 12, max = 30 },
    { name = "sale-ends", schedule = "cron(0 0 1 12 ? *)", min = 3, max = 30 },
  ]
}
database_class       = "db.m7g.large"
database_storage     = { gib = 100, max_gib = 1000 }
database_backup_days = 14
cache_node_type      = "cache.m7g.large"
cache_replicas       = 2
multi_az             = true
log_retention_days   = 90

github_repository     = "example/shop"
github_repository_ids = { owner = 123456, repository = 456789 }
github_environment    = "prod"
