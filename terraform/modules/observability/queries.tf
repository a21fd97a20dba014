locals {
  queries = {
    for file in fileset("${path.module}/queries", "*.query") :
    trimsuffix(file, ".query") => trimspace(file("${path.module}/queries/${file}"))
  }
}

# Saved queries of Logs Insights, in a folder called var.name.
resource "aws_cloudwatch_query_definition" "this" {
  for_each = local.queries

  name            = "${var.name}/${each.key}"
  log_group_names = [aws_cloudwatch_log_group.this["app"].name]
  query_string    = each.value
}
