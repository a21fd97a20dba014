#!/usr/bin/env bash
# Runs a command in the image that build-image.sh left, on the kind of processor that it is for: a compiled wheel or a
# program that does not run there ends the deployment here.
#
#   TRY   the command
set -euo pipefail

skopeo copy "oci:$RUNNER_TEMP/image" docker-daemon:image:to-try
docker run --rm --network none --read-only --entrypoint sh image:to-try -c "$TRY"
