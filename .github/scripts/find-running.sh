#!/usr/bin/env bash
# Notes the image that the application runs before anything is rolled out: image-tag=..., empty where nothing runs yet.
#
#   ENV SERVICE   whose application
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
