# Settings and permissions of the three programs in Prometheus' task: Prometheus, the discovery of tasks, and
# Alertmanager. They talk over 127.0.0.1; only Prometheus is reachable from outside.
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
    # Lists every task of the application: DNS returns eight at most (docs/decisions/finding-tasks.md).
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
      volume      = true # the next task must not send the same notifications again
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
      resources = ["*"] # the action supports no resources, only these conditions
      equals = {
        "servicediscovery:NamespaceName" = [module.cluster.namespace_name]
        "servicediscovery:ServiceName"   = [local.app_discovery_name]
      }
    }
    PublishAlerts = {
      actions   = ["sns:Publish"]
      resources = [var.sns_topic, module.observability.heartbeat_topic_arn]
    }
    }, local.remote_write_url == "" ? {} : {
    SendSamples = {
      actions   = ["aps:RemoteWrite"]
      resources = ["arn:aws:aps:${var.region}:${data.aws_caller_identity.current.account_id}:workspace/${var.prometheus_workspace_id}"]
    }
  })

  # AWS services that the task needs. If one has no VPC endpoint, the task may reach the internet by HTTPS.
  prometheus_missing_endpoints = setsubtract(
    concat(["ecr.api", "ecr.dkr", "logs", "secretsmanager", "data-servicediscovery", "sns"], local.remote_write_url == "" ? [] : ["aps-workspaces"]),
    var.interface_endpoints,
  )

  remote_write_url = var.prometheus_workspace_id == "" ? "" : "https://aps-workspaces.${var.region}.amazonaws.com/workspaces/${var.prometheus_workspace_id}/api/v1/remote_write"

  repository_runbook = var.github_repository == "" ? "" : "https://github.com/${var.github_repository}/blob/main/docs/runbook.md"
  runbook_url        = var.runbook_url == "" ? local.repository_runbook : var.runbook_url
}

data "aws_caller_identity" "current" {}
