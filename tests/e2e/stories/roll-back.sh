#!/usr/bin/env bash
# Roll back: image and settings come back together, and a version that never becomes ready is refused.
# The page is docs/how-to/roll-back.md: it shows every line but those marked "story only".
set -eu

platform up
cp -r "$REPOSITORY/examples/hello" hello
cd hello
git init --quiet
git add .
git commit --quiet --message "First edition"
platform create-service --name=hello
platform deploy --env=staging

sed --in-place 's/first edition/second edition/' src/main.rs
sed --in-place 's/^GREETING: .*/GREETING: welcome/' config/default.yaml
git commit --quiet --all --message "Second edition"
platform deploy --env=staging
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: hello.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "second edition" | grep "welcome"

platform release list --service=hello
platform rollback hello --env=staging --to-version=v0.1.0
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: hello.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "first edition" | grep --invert-match "welcome"

sed --in-place '/^fn is_ready/,/^}/s/true/false/' src/main.rs
git commit --quiet --all --message "Third edition, never ready"
platform deploy --env=staging || test $? = 5
(platform status hello --env=staging || true) | grep "refused by its health check" # story only
platform status hello --env=staging || test $? = 5
platform logs hello --env=staging --previous | grep "listening"
curl --fail --silent --show-error --header "Host: hello.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "first edition"

platform history hello
platform down
