#!/usr/bin/env bash
# A failing pipeline: a push whose test fails stops there, and names the test.
# The page is docs/how-to/a-failing-pipeline.md: it shows every line but those marked "story only".
set -eu

command -v curl >/dev/null || { echo "curl is not installed"; exit 77; } # story only
export no_proxy=127.0.0.1 NO_PROXY=127.0.0.1 # story only
export FAIRWAY_PORT=0 FAIRWAY_GATEWAY_PORT=$((20000 + RANDOM % 10000)) CURL_HOME=$PWD # story only: another platform may run
echo "connect-to = 127.0.0.1:7080:127.0.0.1:$FAIRWAY_GATEWAY_PORT" >.curlrc # story only
export GIT_AUTHOR_NAME="A developer" GIT_AUTHOR_EMAIL=developer@example.org GIT_COMMITTER_NAME="A developer" GIT_COMMITTER_EMAIL=developer@example.org # story only
unset GIT_SSL_CAINFO # story only: it would win over what platform up tells Git
trap 'platform down --purge --yes >/dev/null 2>&1 || true' EXIT # story only

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
until platform pipeline runs -o json | grep "$(git rev-parse HEAD)"; do sleep 0.2; done >/dev/null # story only

platform pipeline logs --follow || test $? = 1
platform pipeline runs
platform pipeline runs | grep "what_is_not_there_is_told_as_json" # story only
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: orders.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "hello"

if platform pipeline run --step=test; then exit 1; fi # story only
platform pipeline run --step=test || true
git revert --no-edit HEAD
platform pipeline run --step=test
git push --quiet
until platform pipeline runs -o json | grep "$(git rev-parse HEAD)"; do sleep 0.2; done >/dev/null # story only
platform pipeline logs --follow

platform history orders
platform down
