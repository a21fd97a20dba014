#!/usr/bin/env bash
# Plans everything, changes nothing, and puts the plan into the run's summary.
#
#   ENV SERVICE AWS_REGION IMAGE_TAG   what is deployed, and where
#   PLAN_TEXT                          a file that is to hold the plan too; none
set -euo pipefail

text=${PLAN_TEXT:-$(mktemp)}
status=0
terraform -chdir=terraform plan -input=false -no-color \
    -var="env=$ENV" -var="service=$SERVICE" -var="region=$AWS_REGION" -var="image_tag=$IMAGE_TAG" 2>&1 |
    tee "$text" || status=$?

{
    echo "### Plan"
    echo '````text'
    head -c 900000 "$text" # a summary holds 1 MiB
    echo '````'
} >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
exit "$status"
