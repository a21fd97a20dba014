variable "name" {
  description = "Name of the secret."
  type        = string
}

variable "description" {
  description = "Purpose of the secret."
  type        = string
}

variable "username" {
  description = "With a username, the secret is {\"username\": ..., \"password\": ...}; null: only the password."
  type        = string
  default     = null
}

variable "password_version" {
  description = "Increase it for a new password."
  type        = number
  default     = 1

  validation {
    condition     = var.password_version >= 1
    error_message = "password_version must be 1 or more."
  }
}

variable "recovery_window_days" {
  description = "Days in which a deleted secret can be restored; 0: not at all."
  type        = number
  default     = 0

  validation {
    condition     = var.recovery_window_days == 0 || (var.recovery_window_days >= 7 && var.recovery_window_days <= 30)
    error_message = "recovery_window_days must be 0, or lie between 7 and 30."
  }
}
