#!/usr/bin/env bash
# Posts a plan as a comment on its pull request; each new plan replaces the comment.
#
#   PULL_REQUEST   number of the pull request
#   PLAN_TEXT      file with the plan
#   IMAGE_TAG      the commit
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
    tail -c 60000 "$PLAN_TEXT" # a comment holds 65,536 characters; the end matters most
    echo '````'
    echo '</details>'
} >"$comment"

gh pr comment "$PULL_REQUEST" --edit-last --create-if-none --body-file "$comment"
