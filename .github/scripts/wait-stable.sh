#!/usr/bin/env bash
# Waits until both services run what they should, and nothing else. Fails if they do not get there, or if ECS went back to
# the version before: a service that was rolled back is stable too.
#
#   STABLE_ROUNDS   how often to wait for ten minutes; 2
set -euo pipefail

fail() {
    echo "::error::$1"
    exit 1
}

output() {
    terraform -chdir=terraform output -raw "$1"
}

cluster=$(output cluster_name)
service=$(output service_name)
wanted=$(output task_definition_arn)

describe() {
    aws ecs describe-services --cluster "$cluster" --services "$@" --output text
}

stable=false
for ((round = 0; round < ${STABLE_ROUNDS:-2}; round++)); do
    if aws ecs wait services-stable --cluster "$cluster" --services "$service" "$service-prometheus"; then
        stable=true
        break
    fi
done
if ! $stable; then
    describe "$service" "$service-prometheus" --query 'services[].events[:10].[message]' || true
    fail "The services are not stable; above is what ECS says of them."
fi

running=$(describe "$service" --query 'services[0].taskDefinition')
if [[ $running != "$wanted" ]]; then
    describe "$service" --query 'services[].events[:10].[message]' || true
    fail "ECS rolled $service back to $running: the tasks of $wanted did not become healthy."
fi
echo "$service runs $running"
