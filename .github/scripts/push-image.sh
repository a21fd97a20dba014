#!/usr/bin/env bash
# Pushes the very image that was scanned, by its digest and without a tag: join-images.sh gives the tag, once there is one
# for every kind of processor. Says what was pushed: IMAGE-ARCHITECTURE=sha256:...
#
#   IMAGE ARCHITECTURE    which one it is
#   REGISTRY REPOSITORY   where to
set -euo pipefail

digest=$(jq -r '.manifests | if length == 1 then .[0].digest else "none" end' "$RUNNER_TEMP/image/index.json")
[[ $digest == sha256:* ]] || {
    echo "::error::There is not one image to push in $RUNNER_TEMP/image"
    exit 1
}

# --all: with its SBOM and its provenance.
skopeo copy --all --preserve-digests "oci:$RUNNER_TEMP/image" "docker://$REGISTRY/$REPOSITORY@$digest"
echo "$IMAGE-$ARCHITECTURE=$digest" >>"$GITHUB_OUTPUT"
