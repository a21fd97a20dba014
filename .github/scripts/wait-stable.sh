#!/usr/bin/env bash
# Waits until ECS has finished the deployments of both services. Fails with 3 if ECS rolled one back (circuit breaker or
# alarm), and with 1 if one failed otherwise or did not finish in time.
#
# Waiting for a stable service is not enough: it is also stable after a rollback, and during the bake time, while
# ECS still watches the alarms.
#
#   WAIT_MINUTES   how long to wait; 40
#   PAUSE          seconds between two checks; 15
set -euo pipefail

deadline=$((SECONDS + ${WAIT_MINUTES:-40} * 60))

# fail TEXT [STATUS]
fail() {
    echo "::error::$1"
    exit "${2:-1}"
}

output() {
    terraform -chdir=terraform output -raw "$1"
}

cluster=$(output cluster_name)
service=$(output service_name)
application=$(output task_definition_arn)
prometheus=$(output prometheus_task_definition_arn)

# newest_deployment SERVICE: its status, its ARN, and its service revision.
newest_deployment() {
    aws ecs list-service-deployments --cluster "$cluster" --service "$1" --output text \
        --query 'reverse(sort_by(serviceDeployments, &createdAt))[0].[status, serviceDeploymentArn, targetServiceRevisionArn]'
}

# definition_of SERVICE REVISION: the revision's task definition; without a revision (ECS deletes them after 90 days), the
# service's.
definition_of() {
    if [[ -n $2 ]]; then
        aws ecs describe-service-revisions --service-revision-arns "$2" --output text \
            --query 'serviceRevisions[0].taskDefinition'
    else
        aws ecs describe-services --cluster "$cluster" --services "$1" --output text \
            --query 'services[0].taskDefinition'
    fi
}

# explain SERVICE DEPLOYMENT: ECS' reasons and events. A failed call here must not hide the result.
explain() {
    [[ -z $2 ]] || aws ecs describe-service-deployments --service-deployment-arns "$2" --output json \
        --query 'serviceDeployments[0].{reason: statusReason, rollback: rollback.reason, stage: lifecycleStage, alarms: alarms.triggeredAlarmNames, failedTasks: deploymentCircuitBreaker.failureCount}' || true
    aws ecs describe-services --cluster "$cluster" --services "$1" --output text \
        --query 'services[].events[:10].[message]' || true
}

# wait_for SERVICE DEFINITION
wait_for() {
    local name=$1 wanted=$2 failures=0 result status deployment revision definition
    while true; do
        definition=
        if result=$(newest_deployment "$name") && read -r status deployment revision <<<"$result" &&
            definition=$(definition_of "$name" "$revision"); then
            failures=0
        else
            ((++failures < 5)) || fail "ECS does not respond, so the state of $name is unknown."
        fi
        # Until ECS starts the deployment, the newest one is the previous one.
        if [[ $definition == "$wanted" ]]; then
            case $status in
            SUCCESSFUL | None)
                echo "$name runs $wanted"
                return
                ;;
            PENDING | IN_PROGRESS | STOP_REQUESTED | ROLLBACK_REQUESTED | ROLLBACK_IN_PROGRESS) ;;
            ROLLBACK_SUCCESSFUL)
                explain "$name" "$deployment"
                fail "ECS rolled $name back: $wanted failed. See the reason above." 3
                ;;
            *)
                explain "$name" "$deployment"
                fail "The deployment of $wanted to $name ended as $status. See ECS' events above."
                ;;
            esac
        fi
        ((SECONDS < deadline)) || break
        sleep "${PAUSE:-15}"
    done
    explain "$name" "${deployment:-}"
    fail "The deployment of $name has not ended in ${WAIT_MINUTES:-40} minutes; it is ${status:-unknown}. See ECS' events above."
}

wait_for "$service" "$application"
wait_for "$service-prometheus" "$prometheus"
