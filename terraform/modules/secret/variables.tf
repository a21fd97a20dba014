variable "name" {
  description = "Name of the secret."
  type        = string
}

variable "description" {
  description = "What it is for."
  type        = string
}

variable "username" {
  description = "With one, the secret is {\"username\", \"password\"}; null: it is the password alone."
  type        = string
  default     = null
}

variable "password_version" {
  description = "Raise it to have a new password made."
  type        = number
  default     = 1

  validation {
    condition     = var.password_version >= 1
    error_message = "password_version must be 1 or more."
  }
}

variable "recovery_window_days" {
  description = "How long a deleted secret can be brought back; 0: not at all."
  type        = number
  default     = 0

  validation {
    condition     = var.recovery_window_days == 0 || (var.recovery_window_days >= 7 && var.recovery_window_days <= 30)
    error_message = "recovery_window_days must be 0, or lie between 7 and 30."
  }
}
