#!/usr/bin/env bash
# Outputs the image's tag, and whether the repository already has it: tag=..., found=true or found=false.
#
#   REPOSITORY   the ECR repository
#   TAGGED_BY    commit, or folder for an image that does not change with the application
#   IMAGE_TAG    the commit
#   CONTEXT      the folder
set -euo pipefail

fail() {
    echo "::error::${1//$'\n'/ }"
    exit 1
}

case $TAGGED_BY in
commit) tag=$IMAGE_TAG ;;
folder) tag=$("$(dirname "$0")/folder-tag.sh" "$CONTEXT") ;;
*) fail "An image is tagged by commit or by folder, not by $TAGGED_BY" ;;
esac

if result=$(aws ecr describe-images --repository-name "$REPOSITORY" --image-ids "imageTag=$tag" \
    --query 'imageDetails[0].imageDigest' --output text 2>&1); then
    found=true
elif [[ $result == *ImageNotFoundException* ]]; then
    found=false
else
    fail "$result"
fi
echo "$REPOSITORY:$tag: found=$found"
printf '%s\n' "tag=$tag" "found=$found" >>"$GITHUB_OUTPUT"
