#!/usr/bin/env bash
# Rotate a password: a service that reads from its database gets another password while somebody asks it all the time.
# The page is docs/how-to/rotate-a-password.md: it shows every line but those marked "story only".
set -eu

platform up
platform create-service --name=my-api --language=python --database=postgres
platform repo clone my-api
cd my-api
platform pipeline logs --follow
platform status --env=staging --wait
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: my-api.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "hello"

cat > ../visitor.sh <<'VISITOR'
until [ -e ../enough ]; do
  if curl --fail --silent --header "Host: my-api.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep --quiet "hello"; then
    echo answered
  else
    echo failed
  fi
done
VISITOR
timeout 300 bash ../visitor.sh > ../visits &
visitor=$! # story only

platform exec my-api --env=staging -- python3 -c "import os, urllib.parse as it; print(it.urlsplit(os.environ['DATABASE_URL']).username)"
platform exec my-api --env=staging -- python3 -c "import os, urllib.parse as it; print(it.urlsplit(os.environ['DATABASE_URL']).username)" | grep "app_a" # story only
platform resource rotate my-api-db --env=staging
platform exec my-api --env=staging -- python3 -c "import os, urllib.parse as it; print(it.urlsplit(os.environ['DATABASE_URL']).username)" | grep "app_b" # story only
until test "$(grep --count answered ../visits)" -gt 100; do sleep 0.1; done # story only
touch ../enough
wait "$visitor" # story only
sort ../visits | uniq --count
test "$(grep --count answered ../visits)" -gt 100 # story only
if grep --quiet failed ../visits; then exit 1; fi
platform why my-api --env=staging
platform why my-api --env=staging | head -1 | grep "serves" # story only
platform down
