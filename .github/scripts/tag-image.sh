#!/usr/bin/env bash
# Gives the scanned candidate the commit's tag: the very same image, by its manifest.
#
#   REPOSITORY CANDIDATE_TAG IMAGE_TAG   what
set -euo pipefail

manifest=$(mktemp)
aws ecr batch-get-image --repository-name "$REPOSITORY" --image-ids "imageTag=$CANDIDATE_TAG" \
    --query 'images[0].imageManifest' --output text >"$manifest"
grep -q schemaVersion "$manifest" || {
    echo "::error::ECR knows no $REPOSITORY:$CANDIDATE_TAG"
    exit 1
}
aws ecr put-image --repository-name "$REPOSITORY" --image-tag "$IMAGE_TAG" --image-manifest "file://$manifest" \
    --query 'image.imageId.[imageTag, imageDigest]' --output text
