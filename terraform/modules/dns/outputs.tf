output "names" {
  description = "The names that resolve."
  value       = keys(var.records)

  depends_on = [aws_route53_record.alias]
}
