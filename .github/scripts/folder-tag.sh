#!/usr/bin/env bash
# Prints the tag of an image that changes with its own folder alone: a hash of the folder's Dockerfile and of what that
# copies into the image, as git has them in the commit that is checked out.
#
#   folder-tag.sh FOLDER
set -euo pipefail

fail() {
    echo "::error::$1" >&2 # standard output is the tag
    exit 1
}

cd "$(dirname "$0")/../../$1"

# What COPY and ADD take from the folder: all words but the options and the last. Another stage's files come from here too.
mapfile -t sources < <(sed -e ':joined' -e '/\\$/{N;s/\\\n/ /;b joined' -e '}' Dockerfile | awk '
    toupper($1) ~ /^(COPY|ADD)$/ && !/--from=/ {
        for (word = 2; word < NF; word++) if ($word !~ /^--/ && $word !~ /:\/\//) print $word
    }')
for source in Dockerfile "${sources[@]}"; do
    [[ -n $(git ls-tree HEAD -- "${source%/}") ]] || fail "$1/Dockerfile copies $source, which the commit does not have"
done

hash=$(git ls-tree -r HEAD -- Dockerfile "${sources[@]%/}" | git hash-object --stdin)
echo "tree-$hash"
