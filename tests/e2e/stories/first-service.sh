#!/usr/bin/env bash
# First service: a folder with a Rust service becomes a running, scaled service with a URL.
# The page is docs/how-to/first-service.md: it shows every line but those marked "story only".
set -eu

platform up
platform whoami

cp -r "$REPOSITORY/examples/hello" hello
cd hello
git init --quiet
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
