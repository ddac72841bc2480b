#!/usr/bin/env bash
# A failing pipeline: a push whose test fails stops there, and names the test.
# The page is docs/how-to/a-failing-pipeline.md: it shows every line but those marked "story only".
set -eu

platform up
platform create-service --name=orders --language=rust
platform repo clone orders
cd orders
platform pipeline logs --follow
platform status --env=staging --wait
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: orders.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "hello"

sed --in-place 's/(StatusCode::NOT_FOUND, Json/(StatusCode::OK, Json/' src/http.rs
git commit --quiet --all --message "A mistake"
git push --quiet

platform pipeline logs "$(git rev-parse HEAD)" --follow || test $? = 1
platform pipeline runs
platform pipeline runs | grep "what_is_not_there_is_told_as_json" # story only
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: orders.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "hello"

if platform pipeline run --step=test; then exit 1; fi # story only
platform pipeline run --step=test || true
git revert --no-edit HEAD
platform pipeline run --step=test
git push --quiet
platform pipeline logs "$(git rev-parse HEAD)" --follow

platform history orders
platform down
