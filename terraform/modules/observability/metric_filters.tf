# Numbers out of log lines, for what neither the load balancer nor a store counts.
locals {
  namespace = "Service/${var.name}"

  metric_filters = {
    errors  = { metric = "Errors", pattern = "{ $.level = \"ERROR\" || $.level = \"CRITICAL\" }" }
    refused = { metric = "Refused", pattern = "{ $.http.status = 403 }" }
    hits    = { metric = "CacheHits", pattern = "{ $.cache = \"hit\" }" }
    misses  = { metric = "CacheMisses", pattern = "{ $.cache = \"miss\" }" }
    bypass  = { metric = "CacheBypasses", pattern = "{ $.cache = \"bypass\" }" }
  }
}

resource "aws_cloudwatch_log_metric_filter" "app" {
  for_each = local.metric_filters

  name           = "${var.name}-${each.key}"
  log_group_name = aws_cloudwatch_log_group.this["app"].name
  pattern        = each.value.pattern

  metric_transformation {
    namespace     = local.namespace
    name          = each.value.metric
    value         = "1"
    default_value = "0" # a quiet minute counts as none, not as unknown
    unit          = "Count"
  }
}
