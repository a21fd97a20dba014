output "names" {
  description = "Domain names with alias records."
  value       = keys(var.records)

  depends_on = [aws_route53_record.alias]
}
