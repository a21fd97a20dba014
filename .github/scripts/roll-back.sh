#!/usr/bin/env bash
# Goes back to the image that ran before the roll-out, since the new one did not prove itself. Terraform does it, so that
# its state says what runs, and no later apply brings the bad image back. A success here does not make the deployment one.
#
#   ENV SERVICE AWS_REGION   what is deployed, and where
#   IMAGE_TAG                the image that did not prove itself
#   PREVIOUS_IMAGE_TAG       the image that ran before; empty: none did
set -euo pipefail

scripts=$(dirname "$0")

fail() {
    echo "::error::$1"
    exit 1
}

[[ -n $PREVIOUS_IMAGE_TAG ]] || fail "Nothing ran before $IMAGE_TAG, so there is nothing to go back to. It stays."
[[ $PREVIOUS_IMAGE_TAG != "$IMAGE_TAG" ]] || fail "$IMAGE_TAG ran before, too. It stays."

go_back() {
    IMAGE_TAG=$PREVIOUS_IMAGE_TAG "$scripts/apply.sh" module.app ||
        fail "Terraform could not go back to $PREVIOUS_IMAGE_TAG; $IMAGE_TAG may still run."
    "$scripts/wait-stable.sh"
}

# An alarm that the bad image raises only now makes ECS take the good one for the fault, and return to the bad one. Once
# it is raised, ECS does not listen to it: the second time it counts.
status=0
go_back || status=$?
if ((status == 3)); then
    status=0
    go_back || status=$?
fi
((status == 0)) || exit "$status"
"$scripts/smoke-test.sh"
echo "::warning::$IMAGE_TAG did not prove itself; the application runs $PREVIOUS_IMAGE_TAG again. Its migration was not undone."
