#!/usr/bin/env bash
# First service: a folder with a Rust service becomes a running, scaled service with a URL.
# The page is docs/how-to/first-service.md: it shows every line but those marked "story only".
set -eu

if platform doctor | grep "containers cannot run"; then exit 77; fi # story only
command -v curl >/dev/null || { echo "curl is not installed"; exit 77; } # story only
export no_proxy=127.0.0.1 NO_PROXY=127.0.0.1 # story only
export FAIRWAY_PORT=0 FAIRWAY_GATEWAY_PORT=$((20000 + RANDOM % 10000)) CURL_HOME=$PWD # story only: another platform may run
echo "connect-to = 127.0.0.1:7080:127.0.0.1:$FAIRWAY_GATEWAY_PORT" >.curlrc # story only
trap 'platform down --purge --yes >/dev/null 2>&1 || true' EXIT # story only

platform up
platform whoami

cp -r "$REPOSITORY/examples/hello" hello
cd hello
git init --quiet
git config user.name "A developer" # story only
git config user.email developer@example.org # story only
git add .
git commit --quiet --message "First edition"

platform create-service --name=hello
platform deploy --env=staging

curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: hello.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "first edition"

platform status hello --env=staging
platform logs hello --env=staging --tail=5 | grep "listening"

platform scale hello --env=staging --replicas=3
for _ in $(seq 60); do curl --fail --silent --show-error --header "Host: hello.staging.sandbox.localhost" http://127.0.0.1:7080/; echo; done | grep --only-matching '"instance":"[^"]*"' | sort --unique | tee ../instances
test "$(wc --lines <../instances)" = 3 # story only

platform promote hello --from=staging --to=production
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: hello.production.sandbox.localhost" http://127.0.0.1:7080/ | grep "good day"

platform history hello
platform ledger verify

platform down
if curl --silent --output /dev/null http://127.0.0.1:7080/; then echo "the gateway still answers"; exit 1; fi # story only
