#!/usr/bin/env bash
# Sends requests to the application's public URL.
#
#   TRIES, PAUSE   how many times to try each request, and how many seconds apart; 12, 5
set -euo pipefail

url=$(terraform -chdir=terraform output -raw url)
body=$(mktemp)

fail() {
    echo "::error::$1"
    exit 1
}

# expect STATUS TEXT PATH [ARGUMENT OF CURL...]
expect() {
    local wanted=$1 text=$2 path=$3 status try
    shift 3
    for ((try = 0; try < ${TRIES:-12}; try++)); do
        ((try == 0)) || sleep "${PAUSE:-5}"
        : >"$body"
        status=$(curl --silent --show-error --max-time 10 --output "$body" --write-out '%{http_code}' "$@" "$url$path") || true
        if [[ $status == "$wanted" ]] && grep -qF -- "$text" "$body"; then
            echo "$url$path: $status"
            return
        fi
    done
    head -c 1000 "$body" && echo
    fail "$url$path returned ${status:-nothing}, not $wanted with $text"
}

expect 200 '"status":"Healthy"' /status
expect 200 '"products":' '/products?limit=1' # the database answers, and was migrated

# Writes need a key, and metrics are not public.
expect 403 '"message":"Forbidden"' /data --json '{}'
expect 404 '"message":"Not Found"' /metrics
