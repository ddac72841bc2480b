#!/usr/bin/env bash
# Add a database: a service that runs already asks for one, reads where it is from its variables, and changes its password.
# The page is docs/how-to/add-a-database.md: it shows every line but those marked "story only".
set -eu

platform up
platform create-service --name=shop --language=node
platform repo clone shop
cd shop
platform pipeline logs --follow
platform status --env=staging --wait

platform resource add postgres --name=reports --to=shop --env=staging --dry-run
platform resource add postgres --name=reports --to=shop --env=staging --yes
git pull --quiet
grep "type: postgres" score.yaml
platform pipeline logs "$(git rev-parse HEAD)" --follow
platform status --env=staging --wait
platform resource list --env=staging
platform exec shop --env=staging -- node -p "new URL(process.env.REPORTS_URL).host"
platform exec shop --env=staging -- node -p "new URL(process.env.REPORTS_URL).host" | grep "shop-reports" # story only
platform exec shop --env=staging -- node -p "new URL(process.env.REPORTS_URL).username" | grep "app_a" # story only

platform resource rotate shop-reports --env=staging
platform exec shop --env=staging -- node -p "new URL(process.env.REPORTS_URL).username" | grep "app_b" # story only

if platform resource remove shop-reports --env=staging --yes; then exit 1; fi # story only
platform resource remove shop-reports --env=staging --yes || test $? = 4
platform down
