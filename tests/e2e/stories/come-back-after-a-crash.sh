#!/usr/bin/env bash
# Come back after a crash: the platform is killed, starts again, and no container was restarted meanwhile.
# The page is docs/how-to/come-back-after-a-crash.md: it shows every line but those marked "story only".
set -eu

command -v pgrep >/dev/null || { echo "pgrep is not installed"; exit 77; } # story only

platform up
cp -r "$REPOSITORY/examples/hello" hello
cd hello
git init --quiet
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
