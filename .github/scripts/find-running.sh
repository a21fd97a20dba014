#!/usr/bin/env bash
# Outputs the image tag that the application runs now, before the roll-out: image-tag=..., empty if nothing runs yet.
#
#   ENV SERVICE   the environment and the service
set -euo pipefail

name=$ENV-$SERVICE
container=app

definition=$(aws ecs describe-services --cluster "$name" --services "$name" --output text \
    --query "services[?status=='ACTIVE'].taskDefinition | [0]")
tag=
if [[ $definition != None ]]; then
    image=$(aws ecs describe-task-definition --task-definition "$definition" --output text \
        --query "taskDefinition.containerDefinitions[?name=='$container'].image | [0]")
    tag=${image##*:}
fi
echo "$name runs ${tag:-nothing yet}"
echo "image-tag=$tag" >>"$GITHUB_OUTPUT"
