variable "region" {
  description = "AWS region of everything."
  type        = string
  default     = "eu-west-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the name of a region, such as eu-west-1."
  }
}

variable "env" {
  description = "Environment, such as dev or prod: the first part of every name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,7}$", var.env))
    error_message = "env must be 2 to 8 lower-case letters and digits, beginning with a letter."
  }

  # The wrong env would replace everything in this state. This is a validation and not a precondition because a targeted
  # plan checks validations too. Without Terraform Cloud, and in tests, the workspace is called default.
  validation {
    condition     = terraform.workspace == "default" || endswith(terraform.workspace, "-${var.env}")
    error_message = "env is ${var.env}, but the workspace is ${terraform.workspace}: its name must end with -${var.env}. Correct ENV, or the workspace in terraform/backend.tf."
  }
}

variable "service" {
  description = "Service: the second part of every name."
  type        = string
  default     = "chalice-app"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,11}$", var.service)) && !strcontains(var.service, "--")
    error_message = "service must be 2 to 12 lower-case letters, digits and single hyphens: <env>-<service>-prometheus is the name of a load balancer, which may have 32 characters."
  }
}

variable "team" {
  description = "Team that owns the stack (tag Team)."
  type        = string

  validation {
    condition     = trimspace(var.team) != ""
    error_message = "team must not be empty."
  }
}

variable "image_tag" {
  description = "Tag of the application's image: the commit."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", var.image_tag)) && var.image_tag != "latest"
    error_message = "image_tag must be a tag other than latest: each version needs its own tag."
  }
}

variable "prometheus_image_tag" {
  description = "Tag of Prometheus' image, printed by .github/scripts/folder-tag.sh prometheus. It changes only with that folder, so a commit of the application does not restart Prometheus."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", var.prometheus_image_tag)) && var.prometheus_image_tag != "latest"
    error_message = "prometheus_image_tag must be a tag other than latest: each version needs its own tag."
  }
}

variable "certificate_arn" {
  description = "ACM certificate for both domain names, in this region."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+$", var.certificate_arn))
    error_message = "certificate_arn must be the ARN of a certificate in ACM."
  }

  validation {
    condition     = strcontains(var.certificate_arn, ":acm:${var.region}:")
    error_message = "certificate_arn must be of a certificate in ${var.region}: a load balancer cannot use one of another region."
  }
}

variable "sns_topic" {
  description = "ARN of the SNS topic that alarms and alerts are sent to."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:.+$", var.sns_topic))
    error_message = "sns_topic must be the ARN of an SNS topic."
  }
}

variable "zone_id" {
  description = "Route 53 hosted zone of both domain names."
  type        = string

  validation {
    condition     = can(regex("^[A-Z0-9]{1,32}$", var.zone_id))
    error_message = "zone_id must be the id of the zone, such as Z0123456789ABCDEFGHIJ, without /hostedzone/."
  }
}

variable "domain_name" {
  description = "Public domain name of the application."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+[a-z]{2,63}$", var.domain_name))
    error_message = "domain_name must be a full name in lower case, such as shop.example.com, without a dot at its end."
  }
}

variable "prometheus_domain_name" {
  description = "Public domain name of Prometheus."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+[a-z]{2,63}$", var.prometheus_domain_name))
    error_message = "prometheus_domain_name must be a full name in lower case, without a dot at its end."
  }

  validation {
    condition     = var.prometheus_domain_name != var.domain_name
    error_message = "prometheus_domain_name must differ from domain_name."
  }
}

variable "prometheus_web_config_secret_arn" {
  description = "Secret with Prometheus' web configuration: its users and password hashes (prometheus/web.example.yml)."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+$", var.prometheus_web_config_secret_arn))
    error_message = "prometheus_web_config_secret_arn must be the ARN of a secret."
  }
}

variable "prometheus_allowed_cidrs" {
  description = "Address ranges that may reach Prometheus, which also asks for a password."
  type        = list(string)

  validation {
    condition = length(var.prometheus_allowed_cidrs) > 0 && alltrue([
      for cidr in var.prometheus_allowed_cidrs :
      can(regex("^[0-9.]+/[0-9]+$", cidr)) && can(cidrhost(cidr, 0)) && try(tonumber(split("/", cidr)[1]), 0) >= 8
    ])
    error_message = "prometheus_allowed_cidrs must be IPv4 ranges of /8 or smaller: Prometheus is not public."
  }
}
