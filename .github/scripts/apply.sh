#!/usr/bin/env bash
# Plans, and applies exactly that plan.
#
#   apply.sh                     everything
#   apply.sh ADDRESS...          only these, and what they need
#   apply.sh --before-roll-out   what before-roll-out.txt lists, and what that needs
#
#   ENV SERVICE AWS_REGION IMAGE_TAG   what is deployed, and where
set -euo pipefail

addresses=("$@")
if [[ ${1:-} == --before-roll-out ]]; then
    mapfile -t addresses < <(sed -E 's/#.*//; s/[[:space:]]+$//; /^$/d' "$(dirname "$0")/before-roll-out.txt")
    ((${#addresses[@]} > 0)) || exit 1 # an empty list would be everything
fi

prometheus_image_tag=$("$(dirname "$0")/folder-tag.sh" prometheus)
terraform -chdir=terraform plan -input=false -no-color -out=deploy.tfplan \
    -var="env=$ENV" -var="service=$SERVICE" -var="region=$AWS_REGION" -var="image_tag=$IMAGE_TAG" \
    -var="prometheus_image_tag=$prometheus_image_tag" \
    "${addresses[@]/#/-target=}"
terraform -chdir=terraform apply -input=false -no-color deploy.tfplan
