#!/usr/bin/env bash
# Installs the scanner grype, pinned by checksum. To update it, change the version and both checksums: they are in the
# release's checksums.txt and in github.com/anchore/homebrew-grype.
set -euo pipefail

version=0.116.1

fail() {
    echo "::error::$1"
    exit 1
}

case $(uname -m) in
x86_64) platform=linux_amd64 checksum=0122df7b655981abe547ad3d2190d65551dac6a2bfc80b4dc2a989b5d0587458 ;;
aarch64) platform=linux_arm64 checksum=a8d7504a149629324eb5f4ce3dc25dfd211bbfe047e64ee2bf7844b466c3d84d ;;
*) fail "No scanner is pinned for $(uname -m)" ;;
esac

archive=$RUNNER_TEMP/grype.tar.gz
curl --fail --silent --show-error --location --retry 3 --output "$archive" \
    "https://github.com/anchore/grype/releases/download/v$version/grype_${version}_$platform.tar.gz"
echo "$checksum  $archive" | sha256sum --check --status ||
    fail "The download is not grype $version for $platform: its checksum differs"
mkdir -p "$RUNNER_TEMP/grype"
tar --extract --gzip --file "$archive" --directory "$RUNNER_TEMP/grype" grype
echo "$RUNNER_TEMP/grype" >>"$GITHUB_PATH"
