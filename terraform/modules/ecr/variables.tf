variable "name" {
  description = "Name of the application's repository, <env>-<service>; Prometheus' repository is called <name>-prometheus."
  type        = string
}

variable "force_delete" {
  description = "Delete the repositories even if they hold images."
  type        = bool
  default     = false
}

variable "kept_images" {
  description = "Number of tagged images to keep; older ones are deleted."
  type        = number
  default     = 50

  validation {
    condition     = var.kept_images >= 10
    error_message = "kept_images must be at least 10: a roll-back needs the previous image."
  }
}
