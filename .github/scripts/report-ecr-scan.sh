#!/usr/bin/env bash
# Writes the findings of ECR's own scan to the run's summary. They never stop the deployment: the image was scanned before
# it was pushed, and ECR's scanner does not support every image, such as busybox.
#
#   IMAGE REPOSITORY   the image, and its repository
#   AMD64 ARM64        digests of its images
set -euo pipefail

counts='imageScanFindings.findingSeverityCounts'

scan_findings() {
    aws ecr describe-image-scan-findings --repository-name "$REPOSITORY" --image-id "imageDigest=$1" --no-paginate \
        --output text --query "[imageScanStatus.status, $counts.CRITICAL, $counts.HIGH]" 2>&1
}

# report ARCHITECTURE DIGEST
report() {
    local result status critical high
    if ! result=$(scan_findings "$2"); then
        status=${result//$'\n'/ }
        [[ $result != *ScanNotFoundException* ]] || status="not scanned yet"
    else
        read -r status critical high <<<"$result"
        case $status in
        COMPLETE | ACTIVE) status="${critical/None/0} critical, ${high/None/0} high" ;;
        UNSUPPORTED_IMAGE) status="ECR's scanner does not support this image" ;;
        *) status="the scan is $status" ;;
        esac
    fi
    echo "ECR's own scan of $IMAGE ($1): $status" | tee -a "$GITHUB_STEP_SUMMARY"
    echo >>"$GITHUB_STEP_SUMMARY"
}

report amd64 "$AMD64"
report arm64 "$ARM64"
