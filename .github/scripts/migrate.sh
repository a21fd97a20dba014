#!/usr/bin/env bash
# Migrates the database in a task with the new image, which logs in as the database's owner and creates the service's
# role. Prints the migration's output and fails if the migration failed.
#
#   IMAGE_TAG          the commit, for the task's startedBy
#   MIGRATION_ROUNDS   how many times to wait ten minutes; 3
set -euo pipefail

container=migration

fail() {
    echo "::error::$1"
    exit 1
}

output() {
    terraform -chdir=terraform output "$@"
}

cluster=$(output -raw cluster_name)
definition=$(output -raw migration_task_definition_arn)
subnets=$(output -json task_subnet_ids)
public_ip=$(output -raw task_public_ip)
group=$(output -raw task_security_group_id)

# If ECS has no capacity, for example, the command has exit status 0 and returns no task but a reason.
started=$(aws ecs run-task \
    --cluster "$cluster" \
    --task-definition "$definition" \
    --launch-type FARGATE \
    --started-by "migrate-${IMAGE_TAG:0:20}" \
    --network-configuration "{\"awsvpcConfiguration\":{\"subnets\":$subnets,\"securityGroups\":[\"$group\"],\"assignPublicIp\":\"$public_ip\"}}" \
    --query '[tasks[0].taskArn, failures[0].reason]' --output text)
read -r task reason <<<"$started"
[[ $task == arn:* ]] || fail "ECS did not start the migration: $reason"
echo "The migration runs as $task"

ended=false
for ((round = 0; round < ${MIGRATION_ROUNDS:-3}; round++)); do
    if aws ecs wait tasks-stopped --cluster "$cluster" --tasks "$task"; then
        ended=true
        break
    fi
done
$ended || fail "The migration has not ended; it goes on as $task. Nothing was rolled out."

log_group=$(aws ecs describe-task-definition --task-definition "$definition" --output text \
    --query "taskDefinition.containerDefinitions[?name=='$container'].logConfiguration.options.\"awslogs-group\" | [0]")
echo "It wrote:"
aws logs get-log-events --log-group-name "$log_group" --log-stream-name "$container/$container/${task##*/}" \
    --start-from-head --query 'events[].[message]' --output text || echo "(nothing that could be read)"

status=$(aws ecs describe-tasks --cluster "$cluster" --tasks "$task" --output text \
    --query "tasks[0].[containers[?name=='$container'].exitCode | [0], stoppedReason]")
read -r code reason <<<"$status"
[[ $code == 0 ]] || fail "The migration failed with exit status $code ($reason). Nothing was rolled out."
