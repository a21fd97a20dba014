#!/usr/bin/env bash
# Pushes what build-image.sh built to ECR, as a candidate.
#
#   REPOSITORY CANDIDATE_TAG   what
#   AWS_REGION                 where to
set -euo pipefail

account=$(aws sts get-caller-identity --query Account --output text)
registry=$account.dkr.ecr.$AWS_REGION.amazonaws.com

aws ecr get-login-password | docker login --username AWS --password-stdin "$registry"
docker tag "$REPOSITORY:$CANDIDATE_TAG" "$registry/$REPOSITORY:$CANDIDATE_TAG"
docker push "$registry/$REPOSITORY:$CANDIDATE_TAG"
