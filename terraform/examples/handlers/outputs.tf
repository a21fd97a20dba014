output "dead_letter_queue_urls" {
  description = "The dead letter queues, by the key of their queue."
  value       = module.handlers.dead_letter_queue_urls
}

output "failed_runs_queue_url" {
  description = "Runs that failed or were not started."
  value       = module.handlers.failed_runs_queue_url
}
