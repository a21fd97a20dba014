#!/usr/bin/env bash
# Tags the images for both CPU architectures: one index of both, with their attestations. Outputs the digest of each image:
# amd64=sha256:... and arm64=sha256:...
#
#   REGISTRY REPOSITORY   where they are
#   IMAGE_TAG             the tag
#   AMD64 ARM64           the digests, from push-image.sh
set -euo pipefail

fail() {
    echo "::error::$1"
    exit 1
}

[[ $AMD64 == sha256:* && $ARM64 == sha256:* ]] ||
    fail "Not both images were pushed (amd64: '$AMD64', arm64: '$ARM64'): run all jobs again"

image=$REGISTRY/$REPOSITORY
join=(docker buildx imagetools create --tag "$image:$IMAGE_TAG" "$image@$AMD64" "$image@$ARM64")

# Tags are immutable, so check the index before tagging it.
index=$("${join[@]}" --dry-run)
images=$(jq -r '.manifests[] | select(.platform.os == "linux") | "\(.platform.architecture)=\(.digest)"' <<<"$index" | sort)
[[ $(cut -d= -f1 <<<"$images" | xargs) == "amd64 arm64" ]] ||
    fail "$image:$IMAGE_TAG would not be one image for amd64 and one for arm64: ${images//$'\n'/, }"

"${join[@]}"
echo "$images" >>"$GITHUB_OUTPUT"
