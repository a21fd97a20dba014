#!/usr/bin/env bash
# Builds an image for this machine's CPU architecture, with SBOM and provenance, as an OCI layout in $RUNNER_TEMP/image.
# Pushes nothing.
#
#   DOCKERFILE CONTEXT   the image's source
#   ARCHITECTURE         amd64 or arm64
#   REVISION             the commit, for the image's label
set -euo pipefail

# Each digest is of an index of both architectures. Update a version together with its digest.
buildkit=moby/buildkit:v0.32.2@sha256:28a898719c18a33f4e8000685287fa36fd0dd9560c6440227d3a732d79bb41d8
sbom_generator=docker/buildkit-syft-scanner:1.12.0@sha256:ae4f3b554449e7e25548e7d8ccc029d17357348e30c6e3df01b92bc93654d6a9

fail() {
    echo "::error::$1"
    exit 1
}

# Tags of base images move. All stages use the digest that the tag has now; the image's label names it.
bases=()
mapfile -t names < <(sed -nE 's/^FROM \$\{(\w+)\}.*/\1/p' "$DOCKERFILE" | sort -u)
((${#names[@]} > 0)) || fail "$DOCKERFILE has no argument for its base image: ARG BASE=... above the first FROM"
for name in "${names[@]}"; do
    base=$(sed -n "s/^ARG $name=//p" "$DOCKERFILE" | head -n 1)
    digest=$(docker buildx imagetools inspect --format '{{json .Manifest}}' "$base" | jq -r .digest)
    [[ $digest == sha256:* ]] || fail "$name ('$base') has no digest: $digest"
    bases+=(--build-arg "$name=$base@$digest")
done

# The engine's own builder attaches no SBOM, so create another.
builder=$(docker buildx create --driver docker-container --driver-opt "image=$buildkit")
trap 'docker buildx rm "$builder"' EXIT

mkdir -p "$RUNNER_TEMP/image"
docker buildx build --builder "$builder" --platform "linux/$ARCHITECTURE" --file "$DOCKERFILE" \
    "${bases[@]}" --build-arg "REVISION=$REVISION" \
    --attest type=provenance,mode=max --attest "type=sbom,generator=$sbom_generator" \
    --output "type=oci,tar=false,dest=$RUNNER_TEMP/image" "$CONTEXT"
