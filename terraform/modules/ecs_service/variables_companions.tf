variable "companions" {
  description = <<-TEXT
    Further containers of the task, with the same image, by name.
    entry_point: replaces the image's entry point. cpu, memory: CPU units and memory limit in MiB, taken from the task's.
    volume: mount the task's volume too.
  TEXT
  type = map(object({
    entry_point = list(string)
    cpu         = number
    memory      = number
    environment = optional(map(string), {})
    volume      = optional(bool, false)
  }))
  default = {}

  validation {
    condition     = alltrue([for name, companion in var.companions : can(regex("^[a-z][a-z0-9-]{1,40}$", name)) && length(companion.entry_point) > 0])
    error_message = "companions must have names of lower-case letters, digits and hyphens, and each needs an entry_point."
  }

  validation {
    condition     = alltrue([for companion in var.companions : companion.cpu >= 2 && companion.memory >= 6])
    error_message = "companions must each have a cpu of 2 or more and a memory of 6 MiB or more, the minimum of ECS."
  }

  validation {
    condition     = sum(concat([0], values(var.companions)[*].cpu)) < var.cpu && sum(concat([0], values(var.companions)[*].memory)) < var.memory
    error_message = "companions must leave the container some of the task's cpu and memory."
  }
}

variable "permissions" {
  description = "Further permissions of the task's programs, by sid; `equals` are conditions: each key must have one of its values."
  type = map(object({
    actions   = list(string)
    resources = list(string)
    equals    = optional(map(list(string)), {})
  }))
  default = {}

  validation {
    condition     = alltrue(flatten([for permission in var.permissions : [for action in permission.actions : can(regex("^[a-z0-9-]+:[A-Za-z]+$", action))]]))
    error_message = "permissions must name complete actions, such as sns:Publish, without wildcards."
  }
}
