#!/usr/bin/env bash
# Says whether the repository has this commit's image: found=true or found=false.
#
#   REPOSITORY IMAGE_TAG   what to look for
set -euo pipefail

if said=$(aws ecr describe-images --repository-name "$REPOSITORY" --image-ids "imageTag=$IMAGE_TAG" \
    --query 'imageDetails[0].imageDigest' --output text 2>&1); then
    found=true
elif [[ $said == *ImageNotFoundException* ]]; then
    found=false
else
    echo "::error::${said//$'\n'/ }"
    exit 1
fi
echo "$REPOSITORY:$IMAGE_TAG: found=$found"
echo "found=$found" >>"$GITHUB_OUTPUT"
