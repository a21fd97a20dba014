#!/usr/bin/env bash
# Shows a plan on its pull request, in one comment that each new plan replaces.
#
#   PULL_REQUEST   its number
#   PLAN_TEXT      the file with the plan
#   IMAGE_TAG      the commit that it is of
set -euo pipefail

if [[ ! -s $PLAN_TEXT ]]; then
    echo "There is no plan to show."
    exit 0
fi

comment=$(mktemp)
{
    echo "### Plan for $IMAGE_TAG"
    echo
    grep -E '^(Plan:|No changes\.|Error:|.* Error: )' "$PLAN_TEXT" | tail -n 5 || true
    echo
    echo '<details><summary>All of it</summary>'
    echo
    echo '````text'
    tail -c 60000 "$PLAN_TEXT" # a comment holds 65,536 characters, and the end says most
    echo '````'
    echo '</details>'
} >"$comment"

gh pr comment "$PULL_REQUEST" --edit-last --create-if-none --body-file "$comment"
