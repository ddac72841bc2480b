#!/usr/bin/env bash
# Come back after a crash: the platform is killed, starts again, and no container was restarted meanwhile.
# The page is docs/how-to/come-back-after-a-crash.md: it shows every line but those marked "story only".
set -eu

if platform doctor | grep "containers cannot run"; then exit 77; fi # story only
command -v curl >/dev/null || { echo "curl is not installed"; exit 77; } # story only
command -v pgrep >/dev/null || { echo "pgrep is not installed"; exit 77; } # story only
export no_proxy=127.0.0.1 NO_PROXY=127.0.0.1 # story only
export FAIRWAY_PORT=0 FAIRWAY_GATEWAY_PORT=$((20000 + RANDOM % 10000)) CURL_HOME=$PWD # story only: another platform may run
echo "connect-to = 127.0.0.1:7080:127.0.0.1:$FAIRWAY_GATEWAY_PORT" >.curlrc # story only
trap 'platform down --purge --yes >/dev/null 2>&1 || true' EXIT # story only

platform up
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
pgrep --exact hello | sort >../before

kill -9 "$(sed --quiet 's/.*"pid": *\([0-9]*\).*/\1/p' "${FAIRWAY_HOME:-$HOME/.local/share/fairway}/run/platform.json")"
for _ in $(seq 100); do curl --silent --output /dev/null http://127.0.0.1:7080/ || break; sleep 0.05; done # story only: the kernel closes its sockets
if curl --silent --output /dev/null http://127.0.0.1:7080/; then echo "the gateway still answers"; exit 1; fi # story only
test -z "$(pgrep --exact hello | sort | comm -23 ../before -)"

platform up
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: hello.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "first edition"
test -z "$(pgrep --exact hello | sort | comm -23 ../before -)"
platform status hello --env=staging
platform ledger verify

platform down
