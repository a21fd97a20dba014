variable "name" {
  description = "Name of the application's repository, <env>-<service>; Prometheus' has -prometheus at its end."
  type        = string
}

variable "force_delete" {
  description = "Delete the repositories with the images in them; else ECR refuses while there is one."
  type        = bool
  default     = false
}

variable "kept_images" {
  description = "How many tagged images stay; older ones are removed."
  type        = number
  default     = 50

  validation {
    condition     = var.kept_images >= 10
    error_message = "kept_images must be at least 10: a roll-back needs the image before."
  }
}
