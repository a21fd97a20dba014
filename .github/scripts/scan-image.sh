#!/usr/bin/env bash
# Scans the image from build-image.sh before it is pushed, and fails if it must not be deployed.
#
#   IMAGE ARCHITECTURE   which image it is
#   BLOCKING_SEVERITY    CRITICAL, or HIGH for both
#   WAIVERS              file with waived findings; .github/scan-waivers.txt
set -euo pipefail

here=$(dirname "$0")

fail() {
    echo "::error::$1"
    exit 1
}

case $BLOCKING_SEVERITY in
CRITICAL | HIGH) ;;
*) fail "blocking-severity is $BLOCKING_SEVERITY, not CRITICAL or HIGH" ;;
esac

export GRYPE_CHECK_FOR_APP_UPDATE=false
grype "oci-dir:$RUNNER_TEMP/image" --platform "linux/$ARCHITECTURE" --by-cve \
    --output "json=$RUNNER_TEMP/findings.json" --output "cyclonedx-json=$RUNNER_TEMP/packages.json" ||
    fail "The scan of $IMAGE ($ARCHITECTURE) failed: see the scanner's output in this step"
python3 "$here/judge_scan.py" --image "$IMAGE" --architecture "$ARCHITECTURE" --blocking "$BLOCKING_SEVERITY" \
    --findings "$RUNNER_TEMP/findings.json" --packages "$RUNNER_TEMP/packages.json" \
    --waivers "${WAIVERS:-$here/../scan-waivers.txt}" --summary "$GITHUB_STEP_SUMMARY"
