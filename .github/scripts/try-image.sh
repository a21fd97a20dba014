#!/usr/bin/env bash
# Runs a command in the image from build-image.sh, on its CPU architecture, to find programs and compiled wheels that do
# not run there.
#
#   TRY   the command
set -euo pipefail

skopeo copy "oci:$RUNNER_TEMP/image" docker-daemon:image:to-try
docker run --rm --network none --read-only --entrypoint sh image:to-try -c "$TRY"
