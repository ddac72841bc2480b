#!/usr/bin/env bash
# A hotfix branch: what production runs is mended from its own commit, past what waits on main.
# The page is docs/how-to/a-hotfix-branch.md: it shows every line but those marked "story only".
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
platform promote orders --from=staging --to=production
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: orders.production.sandbox.localhost" http://127.0.0.1:7080/ | grep "good day"

sed --in-place 's/^GREETING: hello$/GREETING: half of something/' config/default.yaml
git commit --quiet --all --message "Half of something"
git push --quiet
until platform pipeline runs -o json | grep "$(git rev-parse HEAD)"; do sleep 0.2; done >/dev/null # story only
platform pipeline logs --follow
platform status --env=staging --wait
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: orders.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "half of something"

platform release list --service=orders
git switch --create hotfix/greeting HEAD~1
sed --in-place 's/^GREETING: good day$/GREETING: good evening/' config/production.yaml
git commit --quiet --all --message "Mend the greeting of production"
git push --quiet --set-upstream origin hotfix/greeting
until platform pipeline runs -o json | grep "$(git rev-parse HEAD)"; do sleep 0.2; done >/dev/null # story only
platform pipeline logs --follow
platform status --env=staging --wait
platform promote orders --from=staging --to=production
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: orders.production.sandbox.localhost" http://127.0.0.1:7080/ | grep "good evening"

git switch main
git merge --quiet --no-edit hotfix/greeting
git push --quiet
until platform pipeline runs -o json | grep "$(git rev-parse HEAD)"; do sleep 0.2; done >/dev/null # story only
platform pipeline logs --follow

platform history orders
platform down
