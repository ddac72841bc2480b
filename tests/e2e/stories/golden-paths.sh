#!/usr/bin/env bash
# Golden paths: what every template that comes with the platform renders is formatted, passes clippy without a warning
# and its own tests, and has a workflow that can be read. No platform runs.
set -eu

for folder in "$REPOSITORY"/templates/*; do
  template=$(basename "$folder")
  platform template lint "$folder"
  platform template test "$template"
  platform template render "$template" --name="my-$template" --description='Says "hello": {often} [loud] #1' --into="$template"
  (
    cd "$template"
    cargo fmt --check
    cargo clippy --quiet --locked --all-targets -- -D warnings
    cargo test --quiet --locked
    git init --quiet
    git add .
    test -z "$(git ls-files target out)"
  )
done

# A mistake is refused before anything is written.
if platform template render rust-service --name=orders --set port=80 --set prot=1 --into=orders 2>mistakes; then exit 1; fi
grep "parameters.port: must be at least 1024" mistakes
grep "parameters.prot: is not known" mistakes
test ! -e orders
