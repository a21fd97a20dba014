#!/usr/bin/env bash
# Plans everything, changes nothing, and puts the plan into the run's summary.
#
#   ENV SERVICE AWS_REGION IMAGE_TAG   what is deployed, and where
#   PLAN_TEXT                          a file that is to hold the plan too; none
#   APPROVED_CHANGES                   what this script said of the plan that was approved: other changes are refused; none
set -euo pipefail

prometheus_image_tag=$("$(dirname "$0")/folder-tag.sh" prometheus)
text=${PLAN_TEXT:-$(mktemp)}
status=0
terraform -chdir=terraform plan -input=false -no-color \
    -var="env=$ENV" -var="service=$SERVICE" -var="region=$AWS_REGION" -var="image_tag=$IMAGE_TAG" \
    -var="prometheus_image_tag=$prometheus_image_tag" 2>&1 |
    tee "$text" || status=$?

{
    echo "### Plan"
    echo '````text'
    head -c 900000 "$text" # a summary holds 1 MiB
    echo '````'
} >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
((status == 0)) || exit "$status"

# What changes, and nothing of what stands around it: equal for equal changes.
changes=$(sed -n '/^Terraform will perform the following actions:/,/^Plan: /p' "$text" | git hash-object --stdin)
echo "changes=$changes" >>"${GITHUB_OUTPUT:-/dev/null}"
if [[ -n ${APPROVED_CHANGES:-} && $APPROVED_CHANGES != "$changes" ]]; then
    echo "::error::The plan is not the one that was approved: something has changed in between. Nothing was applied; run the deployment again."
    exit 1
fi
