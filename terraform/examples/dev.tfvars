# Small and cheap: one NAT gateway, no standbys, one or two tasks. `destroy` deletes everything.
env                              = "dev"
team                             = "shop"
image_tag                        = "0123abc"
prometheus_image_tag             = "tree-0123abc"
certificate_arn                  = "arn:aws:acm:eu-west-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
sns_topic                        = "arn:aws:sns:eu-west-1:123456789012:on-call"
zone_id                          = "Z0123456789ABCDEFGHIJ"
domain_name                      = "dev.shop.example.com"
prometheus_domain_name           = "prometheus.dev.shop.example.com"
prometheus_web_config_secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prometheus-web-config-AbCdEf"
prometheus_allowed_cidrs         = ["203.0.113.0/24"]

app_cpu             = 256
app_memory          = 512
app_tasks           = { min = 1, max = 2 }
interface_endpoints = [] # tasks use the NAT gateway
log_retention_days  = 7
deletion_protection = false
