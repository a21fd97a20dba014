#!/usr/bin/env bash
# Waits for ECR's scan of the candidate, and fails if it found what must not be deployed, or did not take place.
#
#   REPOSITORY CANDIDATE_TAG   what
#   BLOCKING_SEVERITY          CRITICAL, or HIGH for both
#   TRIES, PAUSE               how often to ask, and how many seconds apart; 60, 5
set -euo pipefail

fail() {
    echo "::error::$1"
    exit 1
}

case $BLOCKING_SEVERITY in
CRITICAL | HIGH) ;;
*) fail "blocking-severity is $BLOCKING_SEVERITY, not CRITICAL or HIGH" ;;
esac

# Prints the scan's status and how much it found that is critical, and high. No scan yet is a failure of the call.
ask() {
    aws ecr describe-image-scan-findings --repository-name "$REPOSITORY" --image-id "imageTag=$CANDIDATE_TAG" \
        --no-paginate --output text \
        --query '[imageScanStatus.status, imageScanFindings.findingSeverityCounts.CRITICAL, imageScanFindings.findingSeverityCounts.HIGH]' 2>&1
}

for ((try = 0; try < ${TRIES:-60}; try++)); do
    ((try == 0)) || sleep "${PAUSE:-5}"
    if ! said=$(ask); then
        [[ $said == *ScanNotFoundException* ]] || fail "${said//$'\n'/ }"
        continue
    fi
    read -r status critical high <<<"$said"
    case $status in
    COMPLETE | ACTIVE) break ;;
    IN_PROGRESS | PENDING) ;;
    *) fail "The scan of $REPOSITORY:$CANDIDATE_TAG ended as $status" ;;
    esac
done
[[ ${status:-} == COMPLETE || ${status:-} == ACTIVE ]] || fail "The scan of $REPOSITORY:$CANDIDATE_TAG has not ended"

[[ $critical != None ]] || critical=0 # what was not found is not counted
[[ $high != None ]] || high=0
echo "$REPOSITORY:$CANDIDATE_TAG: $critical critical, $high high"
[[ $critical == 0 ]] || fail "The scan found $critical critical faults in $REPOSITORY:$CANDIDATE_TAG; ECR lists them"
[[ $BLOCKING_SEVERITY == CRITICAL || $high == 0 ]] || fail "The scan found $high high faults in $REPOSITORY:$CANDIDATE_TAG; ECR lists them"
