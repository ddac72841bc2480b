#!/usr/bin/env bash
# By hand: the README's block, from the build to the end.
# The page is README.md#by-hand: it shows every line but those marked "story only".
set -eu

command -v kubectl >/dev/null || kubectl() { echo "kubectl is not installed: kubectl $*"; } # story only
cargo() { command -v platform; } # story only: it is built already
cd "$REPOSITORY" # story only

cargo build
export PATH="$PWD/target/debug:$PATH" REPOSITORY="$PWD"

platform up
platform whoami

cp -r "$REPOSITORY/examples/hello" ~/hello && cd ~/hello
git init && git add .
git config user.name "A developer" && git config user.email developer@example.org
git commit -m "First edition"
platform create-service --name=hello
platform deploy --env=staging
curl -H "Host: hello.staging.sandbox.localhost" http://127.0.0.1:7080/

platform status hello --env=staging
platform logs hello --env=staging
platform scale hello --env=staging --replicas=3
platform promote hello --from=staging --to=production

sed -i 's/first edition/second edition/' src/main.rs && git commit -am "Second edition"
platform deploy --env=staging
curl -sS -H "Host: hello.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "second edition" # story only
platform rollback hello --env=staging --to-version=v0.1.0
curl -sS -H "Host: hello.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "first edition" # story only
platform history hello

platform kubeconfig >~/kubeconfig && export KUBECONFIG=~/kubeconfig
kubectl get deliveries --all-namespaces
kubectl explain component.spec

platform down
