# Metrics from log lines, for figures that no AWS service reports. The line of a successful request counts for as many
# requests as its weight says; each error and each refusal has its own line. The log class Infrequent Access has no metric
# filters.
locals {
  namespace = "Service/${var.name}"

  metric_filters = {
    errors  = { metric = "Errors", pattern = "{ $.level = \"ERROR\" || $.level = \"CRITICAL\" }", value = "1" }
    refused = { metric = "Refused", pattern = "{ $.http.status = 403 }", value = "1" }
    hits    = { metric = "CacheHits", pattern = "{ $.cache = \"hit\" && $.weight = * }", value = "$.weight" }
    misses  = { metric = "CacheMisses", pattern = "{ $.cache = \"miss\" && $.weight = * }", value = "$.weight" }
    bypass  = { metric = "CacheBypasses", pattern = "{ $.cache = \"bypass\" && $.weight = * }", value = "$.weight" }
  }
}

resource "aws_cloudwatch_log_metric_filter" "app" {
  for_each = { for name, filter in local.metric_filters : name => filter if !local.app_is_infrequent }

  name           = "${var.name}-${each.key}"
  log_group_name = aws_cloudwatch_log_group.this["app"].name
  pattern        = each.value.pattern

  metric_transformation {
    namespace     = local.namespace
    name          = each.value.metric
    value         = each.value.value
    default_value = "0" # a minute without log lines counts as 0, not as missing data
    unit          = "Count"
  }
}
