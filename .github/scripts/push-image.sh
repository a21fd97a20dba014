#!/usr/bin/env bash
# Pushes the scanned image by its digest, without a tag: join-images.sh tags it once both architectures are pushed. Outputs
# the digest: IMAGE-ARCHITECTURE=sha256:...
#
#   IMAGE ARCHITECTURE    which image it is
#   REGISTRY REPOSITORY   where to push
set -euo pipefail

digest=$(jq -r '.manifests | if length == 1 then .[0].digest else "none" end' "$RUNNER_TEMP/image/index.json")
[[ $digest == sha256:* ]] || {
    echo "::error::$RUNNER_TEMP/image must hold exactly one image to push"
    exit 1
}

# --all: with SBOM and provenance.
skopeo copy --all --preserve-digests "oci:$RUNNER_TEMP/image" "docker://$REGISTRY/$REPOSITORY@$digest"
echo "$IMAGE-$ARCHITECTURE=$digest" >>"$GITHUB_OUTPUT"
