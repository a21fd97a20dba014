#!/usr/bin/env bash
# Plans and applies that plan.
#
#   apply.sh                     everything
#   apply.sh ADDRESS...          only these, and their dependencies
#   apply.sh --before-roll-out   the addresses in before-roll-out.txt, and their dependencies
#
#   ENV SERVICE AWS_REGION IMAGE_TAG   what to deploy, and where
set -euo pipefail

addresses=("$@")
if [[ ${1:-} == --before-roll-out ]]; then
    mapfile -t addresses < <(sed -E 's/#.*//; s/[[:space:]]+$//; /^$/d' "$(dirname "$0")/before-roll-out.txt")
    ((${#addresses[@]} > 0)) || exit 1 # an empty list would apply everything
fi

prometheus_image_tag=$("$(dirname "$0")/folder-tag.sh" prometheus)
terraform -chdir=terraform plan -input=false -no-color -out=deploy.tfplan \
    -var="env=$ENV" -var="service=$SERVICE" -var="region=$AWS_REGION" -var="image_tag=$IMAGE_TAG" \
    -var="prometheus_image_tag=$prometheus_image_tag" \
    "${addresses[@]/#/-target=}"
terraform -chdir=terraform apply -input=false -no-color deploy.tfplan
