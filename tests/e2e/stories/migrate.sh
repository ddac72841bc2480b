#!/usr/bin/env bash
# Migrate: a database that a service asks for, a change of its schema, the way back, and a change that is refused.
# The page is docs/how-to/migrate.md: it shows every line but those marked "story only".
set -eu

platform up
platform create-service --name=my-api --language=python --database=postgres
platform repo clone my-api
cd my-api
platform pipeline logs --follow
platform status --env=staging --wait
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: my-api.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "hello"
platform resource list --env=staging
platform db migrate --env=staging --plan
platform db migrate --env=staging --plan | grep "the schema is at 0001" # story only

printf '%s\n' "-- fairway: compatible" "UPDATE greetings SET text = 'good day';" > migrations/0002_politer.sql
git add migrations
git commit --quiet --message "Greet politely"
git push --quiet
platform pipeline logs "$(git rev-parse HEAD)" --follow
platform status --env=staging --wait
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: my-api.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "good day"

platform rollback my-api --env=staging --to-version=v0.1.0
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: my-api.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "good day"

printf '%s\n' "-- fairway: breaking" "ALTER TABLE greetings DROP COLUMN name;" > migrations/0003_nameless.sql
git add migrations
git commit --quiet --message "Greetings need no name"
git push --quiet
platform pipeline logs "$(git rev-parse HEAD)" --follow
platform status --env=staging --wait || test $? = 5
platform db migrate --env=staging --plan
platform db migrate --env=staging --plan | grep "allow-breaking=0003" # story only
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: my-api.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "good day"

git revert --no-edit HEAD
git push --quiet
platform pipeline logs "$(git rev-parse HEAD)" --follow
platform status --env=staging --wait
platform down
