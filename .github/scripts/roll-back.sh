#!/usr/bin/env bash
# Rolls back to the previous image after a failed roll-out. Terraform does it, so that its state matches what runs and a
# later apply does not bring the bad image back. The deployment still counts as failed.
#
#   ENV SERVICE AWS_REGION   what was deployed, and where
#   IMAGE_TAG                the image that failed
#   PREVIOUS_IMAGE_TAG       the image that ran before; empty if none did
set -euo pipefail

scripts=$(dirname "$0")

fail() {
    echo "::error::$1"
    exit 1
}

[[ -n $PREVIOUS_IMAGE_TAG ]] || fail "Nothing ran before $IMAGE_TAG, so there is nothing to roll back to. It stays deployed."
[[ $PREVIOUS_IMAGE_TAG != "$IMAGE_TAG" ]] || fail "$IMAGE_TAG also ran before the roll-out. It stays deployed."

roll_back() {
    IMAGE_TAG=$PREVIOUS_IMAGE_TAG "$scripts/apply.sh" module.app ||
        fail "Terraform could not roll back to $PREVIOUS_IMAGE_TAG; $IMAGE_TAG may still run."
    "$scripts/wait-stable.sh"
}

# If the bad image raises an alarm only now, ECS blames the good image and rolls back to the bad one (status 3). ECS ignores
# an alarm that was already raised when a deployment starts, so try a second time.
status=0
roll_back || status=$?
if ((status == 3)); then
    status=0
    roll_back || status=$?
fi
((status == 0)) || exit "$status"
"$scripts/smoke-test.sh"
echo "::warning::$IMAGE_TAG failed; the application runs $PREVIOUS_IMAGE_TAG again. Its migration was not undone."
