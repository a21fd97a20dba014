# What runs in Prometheus' task, and what each of it is told and allowed: Prometheus itself, the discovery of tasks, and
# Alertmanager. They share an address, so they talk over 127.0.0.1, and nothing but Prometheus is reached from outside.
locals {
  discovery_port     = 9099
  app_discovery_name = "app"

  prometheus_environment = merge({
    TARGETS_URL      = "http://127.0.0.1:${local.discovery_port}/targets"
    ALERTMANAGER     = "127.0.0.1:9093"
    STACK            = local.name
    WEB_EXTERNAL_URL = "https://${var.prometheus_domain_name}"
    RETENTION        = var.prometheus_retention
    STORAGE          = var.prometheus_storage
    AWS_REGION       = var.region
  }, local.remote_write_url == "" ? {} : { REMOTE_WRITE_URL = local.remote_write_url })

  prometheus_companions = {
    # Every task of the application: DNS names eight at most (docs/decisions/finding-tasks.md).
    discovery = {
      entry_point = ["python", "/etc/prometheus/discovery.py"]
      cpu         = 32
      memory      = 128
      environment = {
        AWS_REGION          = var.region
        DISCOVERY_NAMESPACE = module.cluster.namespace_name
        DISCOVERY_SERVICE   = local.app_discovery_name
        DISCOVERY_PORT      = tostring(local.discovery_port)
        TARGET_PORT         = tostring(local.app_port)
      }
    }
    alertmanager = {
      entry_point = ["/etc/prometheus/start-alertmanager"]
      cpu         = 32
      memory      = 128
      volume      = true # what one task has sent, the next does not send again
      environment = {
        SNS_TOPIC_ARN       = var.sns_topic
        HEARTBEAT_TOPIC_ARN = module.observability.heartbeat_topic_arn
        RUNBOOK_URL         = local.runbook_url
        WEB_EXTERNAL_URL    = "https://${var.prometheus_domain_name}"
      }
    }
  }

  prometheus_permissions = merge({
    FindTheTasks = {
      actions   = ["servicediscovery:DiscoverInstances"]
      resources = ["*"] # it knows no resources, but these conditions
      equals = {
        "servicediscovery:NamespaceName" = [module.cluster.namespace_name]
        "servicediscovery:ServiceName"   = [local.app_discovery_name]
      }
    }
    TellOfAlerts = {
      actions   = ["sns:Publish"]
      resources = [var.sns_topic, module.observability.heartbeat_topic_arn]
    }
    }, local.remote_write_url == "" ? {} : {
    SendSamples = {
      actions   = ["aps:RemoteWrite"]
      resources = ["arn:aws:aps:${var.region}:${data.aws_caller_identity.current.account_id}:workspace/${var.prometheus_workspace_id}"]
    }
  })

  # What starts the task, and what its programs call. Where one has no endpoint, the task may reach the internet by HTTPS.
  prometheus_missing_endpoints = setsubtract(
    concat(["ecr.api", "ecr.dkr", "logs", "secretsmanager", "data-servicediscovery", "sns"], local.remote_write_url == "" ? [] : ["aps-workspaces"]),
    var.interface_endpoints,
  )

  remote_write_url = var.prometheus_workspace_id == "" ? "" : "https://aps-workspaces.${var.region}.amazonaws.com/workspaces/${var.prometheus_workspace_id}/api/v1/remote_write"

  repository_runbook = var.github_repository == "" ? "" : "https://github.com/${var.github_repository}/blob/main/docs/runbook.md"
  runbook_url        = var.runbook_url == "" ? local.repository_runbook : var.runbook_url
}

data "aws_caller_identity" "current" {}
