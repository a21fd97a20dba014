#!/usr/bin/env bash
# Asks ECR once what its own scan found, and puts the answer into the run's summary. It decides nothing: the image was
# scanned before it was pushed, and ECR's scanner does not know every kind of image, such as one of busybox.
#
#   IMAGE REPOSITORY   what, and where it is
#   AMD64 ARM64        the digests of its images
set -euo pipefail

counts='imageScanFindings.findingSeverityCounts'

ask() {
    aws ecr describe-image-scan-findings --repository-name "$REPOSITORY" --image-id "imageDigest=$1" --no-paginate \
        --output text --query "[imageScanStatus.status, $counts.CRITICAL, $counts.HIGH]" 2>&1
}

# report ARCHITECTURE DIGEST
report() {
    local said status critical high
    if ! said=$(ask "$2"); then
        status=${said//$'\n'/ }
        [[ $said != *ScanNotFoundException* ]] || status="not scanned yet"
    else
        read -r status critical high <<<"$said"
        case $status in
        COMPLETE | ACTIVE) status="${critical/None/0} critical, ${high/None/0} high" ;;
        UNSUPPORTED_IMAGE) status="not a kind of image that ECR's scanner knows" ;;
        *) status="the scan is $status" ;;
        esac
    fi
    echo "ECR's own scan of $IMAGE ($1): $status" | tee -a "$GITHUB_STEP_SUMMARY"
    echo >>"$GITHUB_STEP_SUMMARY"
}

report amd64 "$AMD64"
report arm64 "$ARM64"
