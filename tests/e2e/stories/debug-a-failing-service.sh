#!/usr/bin/env bash
# Debug a failing service: the cause in one sentence, what says so, who changed what, and the next command.
# The page is docs/how-to/debug-a-failing-service.md: it shows every line but those marked "story only".
set -eu

platform up
cp -r "$REPOSITORY/examples/hello" hello
cd hello
git init --quiet
git add .
git commit --quiet --message "First edition"
platform create-service --name=hello
platform deploy --env=staging
platform why hello --env=staging

sed --in-place 's#path: /healthz#path: /helthz#' score.yaml
git commit --quiet --all --message "A check with a slip of the pen"
platform deploy --env=staging || test $? = 5
platform why hello --env=staging
platform why hello --env=staging | head -1 | grep "/healthz is meant?" # story only
(platform status hello --env=staging || true) | head -1 | grep "asks for /helthz" # story only
platform why hello --env=staging -o json | grep '"WrongProbePath"' # story only
curl --fail --silent --show-error --header "Host: hello.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "first edition"

git revert --no-edit HEAD
sed --in-place 's/PORT: "8080"/PORT: "8081"/' score.yaml
git commit --quiet --all --message "Another port, but not everywhere"
platform deploy --env=staging || test $? = 5
platform why hello --env=staging
platform why hello --env=staging | head -1 | grep "listens on port 8081, and is called on port 8080" # story only
platform logs hello --env=staging --previous --grep=listening | grep 8081

git revert --no-edit HEAD
platform deploy --env=staging
platform scale hello --env=staging --replicas=2
platform logs hello --env=staging --since=10m --grep=listening
platform restart hello --env=staging
platform why hello --env=staging
platform why hello --env=staging | head -1 | grep "serves with 2 of 2 instances" # story only
platform down
