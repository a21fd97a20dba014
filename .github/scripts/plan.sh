#!/usr/bin/env bash
# Plans everything and writes the plan to the run's summary.
#
#   ENV SERVICE AWS_REGION IMAGE_TAG   what to deploy, and where
#   PLAN_TEXT                          file for the plan; none
#   APPROVED_CHANGES                   output `changes` of the approved plan: fail if this plan has other changes; none
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

# Hash of the changes only, without the text around them: equal for equal changes.
changes=$(sed -n '/^Terraform will perform the following actions:/,/^Plan: /p' "$text" | git hash-object --stdin)
echo "changes=$changes" >>"${GITHUB_OUTPUT:-/dev/null}"
if [[ -n ${APPROVED_CHANGES:-} && $APPROVED_CHANGES != "$changes" ]]; then
    echo "::error::The plan is not the one that was approved: something has changed in between. Nothing was applied; run the deployment again."
    exit 1
fi
