#!/usr/bin/env bash
# A hotfix branch: what production runs is mended from its own commit, past what waits on main.
# The page is docs/how-to/a-hotfix-branch.md: it shows every line but those marked "story only".
set -eu

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
platform pipeline logs "$(git rev-parse HEAD)" --follow
platform status --env=staging --wait
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: orders.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "half of something"

platform release list --service=orders
git switch --create hotfix/greeting HEAD~1
sed --in-place 's/^GREETING: good day$/GREETING: good evening/' config/production.yaml
git commit --quiet --all --message "Mend the greeting of production"
git push --quiet --set-upstream origin hotfix/greeting
platform pipeline logs "$(git rev-parse HEAD)" --follow
platform status --env=staging --wait
platform promote orders --from=staging --to=production
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: orders.production.sandbox.localhost" http://127.0.0.1:7080/ | grep "good evening"

git switch main
git merge --quiet --no-edit hotfix/greeting
git push --quiet
platform pipeline logs "$(git rev-parse HEAD)" --follow

platform history orders
platform down
