variable "companions" {
  description = <<-TEXT
    Other programs of the image, each in a container of its own in the same task, by the container's name.
    entry_point: what runs in place of the image's own. cpu, memory: its share and its limit in MiB, out of the task's.
    volume: it mounts the task's volume too.
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
    error_message = "companions must have names of lower-case letters, digits and hyphens, and an entry_point each."
  }

  validation {
    condition     = alltrue([for companion in var.companions : companion.cpu >= 2 && companion.memory >= 6])
    error_message = "companions must each have a cpu of 2 or more and a memory of 6 MiB or more: ECS takes no less."
  }

  validation {
    condition     = sum(concat([0], values(var.companions)[*].cpu)) < var.cpu && sum(concat([0], values(var.companions)[*].memory)) < var.memory
    error_message = "companions must leave the container some of the task's cpu and memory."
  }
}

variable "permissions" {
  description = "What else the task's programs may do in AWS, by a sid; `equals` are the condition keys that must have one of the values."
  type = map(object({
    actions   = list(string)
    resources = list(string)
    equals    = optional(map(list(string)), {})
  }))
  default = {}

  validation {
    condition     = alltrue(flatten([for permission in var.permissions : [for action in permission.actions : can(regex("^[a-z0-9-]+:[A-Za-z]+$", action))]]))
    error_message = "permissions must name whole actions, such as sns:Publish: no wildcards."
  }
}
