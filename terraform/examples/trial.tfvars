# For an evening's trial (docs/trial.md): one task of each service, the smallest stores, no NAT gateway. `destroy` deletes
# everything. Still two zones: a load balancer and a database's subnet group need two.
env                              = "trial"
team                             = "shop"
image_tag                        = "0123abc"
prometheus_image_tag             = "tree-0123abc"
certificate_arn                  = "arn:aws:acm:eu-west-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
sns_topic                        = "arn:aws:sns:eu-west-1:123456789012:on-call"
zone_id                          = "Z0123456789ABCDEFGHIJ"
domain_name                      = "trial.shop.example.com"
prometheus_domain_name           = "prometheus.trial.shop.example.com"
prometheus_web_config_secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prometheus-web-config-AbCdEf"
prometheus_allowed_cidrs         = ["203.0.113.0/24"]

public_tasks          = true
interface_endpoints   = []
app_cpu               = 256
app_memory            = 512
app_tasks             = { min = 1, max = 1 }
database_backup_days  = 1
prometheus_retention  = "1d"
log_retention_days    = 1
deletion_protection   = false
keep_task_definitions = false
