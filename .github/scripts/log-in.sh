#!/usr/bin/env bash
# Logs docker and skopeo in to this account's ECR and outputs its address: registry=...
#
#   AWS_REGION   region of the repositories
set -euo pipefail

account=$(aws sts get-caller-identity --query Account --output text)
registry=$account.dkr.ecr.$AWS_REGION.amazonaws.com

aws ecr get-login-password | docker login --username AWS --password-stdin "$registry"
echo "registry=$registry" >>"$GITHUB_OUTPUT"
