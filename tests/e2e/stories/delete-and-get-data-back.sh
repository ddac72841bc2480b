#!/usr/bin/env bash
# Delete a service and get its data back: a mistake is taken back, and what was deleted is made again with what it held.
# The page is docs/how-to/delete-and-get-data-back.md: it shows every line but those marked "story only".
set -eu

platform up
platform create-service --name=my-api --language=python --database=postgres
platform repo clone my-api
cd my-api
platform pipeline logs --follow
platform status --env=staging --wait
platform db shell --env=staging -- -c "UPDATE greetings SET text = 'what matters'"
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: my-api.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "what matters"

platform db backup --env=staging
echo "UPDATE greetings SET text = 'a mistake'" | platform db shell --env=staging
platform db backups --env=staging
platform db restore --env=staging --yes --from="$(platform db backups --env=staging -o name | grep -m 1 asked)"
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: my-api.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "what matters"

if platform resource remove my-api-db --env=staging --yes; then exit 1; fi # story only
cd ..
platform delete component my-api --yes
platform resource remove my-api-db --env=staging --yes
if platform db backups my-api --env=staging; then exit 1; fi # story only
rm -rf my-api

platform create-service --name=my-api --language=python --database=postgres
platform repo clone my-api
cd my-api
platform pipeline logs --follow
platform status --env=staging --wait
platform db shell --env=staging -- -qAtc "SELECT text FROM greetings" | grep "hello" # story only
platform db backups --env=staging
platform db restore --env=staging --yes --from="$(platform db backups --env=staging -o name | grep -m 1 removed)"
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: my-api.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "what matters"

platform resource connect my-api-db --env=staging -- sh -c 'echo "the database is at $DB_HOST:$DB_PORT"'
platform down
