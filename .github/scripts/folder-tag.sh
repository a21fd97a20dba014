#!/usr/bin/env bash
# Prints the tag of an image that changes only with its folder: a hash of the folder's Dockerfile and of the files that it
# copies, in the commit that is checked out.
#
#   folder-tag.sh FOLDER
set -euo pipefail

fail() {
    echo "::error::$1" >&2 # standard output is the tag
    exit 1
}

cd "$(dirname "$0")/../../$1"

# Sources of COPY and ADD: all words except the options and the last. Without --from=: those files come from another stage,
# which copies them from the folder too.
mapfile -t sources < <(sed -e ':joined' -e '/\\$/{N;s/\\\n/ /;b joined' -e '}' Dockerfile | awk '
    toupper($1) ~ /^(COPY|ADD)$/ && !/--from=/ {
        for (word = 2; word < NF; word++) if ($word !~ /^--/ && $word !~ /:\/\//) print $word
    }')
for source in Dockerfile "${sources[@]}"; do
    [[ -n $(git ls-tree HEAD -- "${source%/}") ]] || fail "$1/Dockerfile copies $source, which the commit does not have"
done

hash=$(git ls-tree -r HEAD -- Dockerfile "${sources[@]%/}" | git hash-object --stdin)
echo "tree-$hash"
