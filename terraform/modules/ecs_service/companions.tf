# Further containers of the task with the same image. All containers of a task talk over 127.0.0.1.
locals {
  companions = [for name, companion in var.companions : {
    name                   = name
    image                  = var.container.image
    entryPoint             = companion.entry_point
    essential              = true # if restarts do not help, ECS replaces the task
    restartPolicy          = { enabled = true, restartAttemptPeriod = 60 }
    cpu                    = companion.cpu
    memory                 = companion.memory
    user                   = var.container.user
    privileged             = false
    readonlyRootFilesystem = true
    linuxParameters        = { initProcessEnabled = true }
    environment            = [for key in sort(keys(companion.environment)) : { name = key, value = companion.environment[key] }]
    mountPoints            = [for each in var.volume[*] : { sourceVolume = "data", containerPath = each.path, readOnly = false } if companion.volume]
    logConfiguration = {
      logDriver = "awslogs"
      options   = merge(local.log_options, { awslogs-group = var.log_group_name, awslogs-stream-prefix = name })
    }
  }]
}
