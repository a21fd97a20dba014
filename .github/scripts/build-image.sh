#!/usr/bin/env bash
# Builds an image for Fargate.
#
#   DOCKERFILE CONTEXT         what from
#   REPOSITORY CANDIDATE_TAG   its name on this machine
#   IMAGE_TAG                  the commit, which the image tells as its revision
set -euo pipefail

platform=linux/amd64

fail() {
    echo "::error::$1"
    exit 1
}

# The base's tag moves. What it stands for right now is what all stages build on, and what the image's label tells.
base=$(sed -n 's/^ARG BASE=//p' "$DOCKERFILE" | head -n 1)
[[ -n $base ]] || fail "$DOCKERFILE does not say what it builds on: ARG BASE=..."
docker pull --quiet --platform "$platform" "$base"
digest=$(docker image inspect --format '{{index .RepoDigests 0}}' "$base")
[[ $digest == *@sha256:* ]] || fail "$base has no digest: $digest"

# A single image and no index around it: ECR does not scan an index.
export DOCKER_BUILDKIT=1 BUILDX_NO_DEFAULT_ATTESTATIONS=1

docker build --platform "$platform" --file "$DOCKERFILE" \
    --build-arg "BASE=$base@${digest#*@}" --build-arg "REVISION=$IMAGE_TAG" \
    --tag "$REPOSITORY:$CANDIDATE_TAG" "$CONTEXT"
