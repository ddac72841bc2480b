#!/usr/bin/env bash
# Golden paths: what every template that comes with the platform renders is formatted, is free of what its linters and type
# checkers find, passes its own tests, and has a workflow that can be read. No platform runs.
set -eu

rust() {
  cargo fmt --check
  cargo clippy --quiet --locked --all-targets -- -D warnings
  cargo test --quiet --locked
}

# The packages come from where the machine's pip gets them, by the hashes of the lock file.
python() {
  if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "skipped: this machine has no Python 3.11"
    return
  fi
  export WHEELS="$PWD/../wheels"
  scripts/packages.sh requirements-dev.lock .packages
  export PYTHONPATH="$PWD/.packages" PYTHONDONTWRITEBYTECODE=1
  python3 -m ruff format --check .
  python3 -m ruff check .
  python3 -m mypy
  python3 -m pytest -p no:cacheprovider
}

node() {
  if ! command node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18 ? 1 : 0)' 2>/dev/null; then
    echo "skipped: this machine has no Node.js 18"
    return
  fi
  for file in src/*.js; do command node --check "$file"; done
  command node --test test/
}

check() {
  if [ -e Cargo.toml ]; then rust; elif [ -e package.json ]; then node; else python; fi
  git init --quiet
  git add .
  test -z "$(git ls-files target out .packages .wheels)"
}

for folder in "$REPOSITORY"/templates/*; do
  template=$(basename "$folder")
  platform template lint "$folder"
  platform template test "$template"
  platform template render "$template" --name="my-$template" --description='Says "hello": {often} [loud] #1' --into="$template"
  (cd "$template" && check)
done

# What a Python service may have besides, in every combination.
for choice in "--set database=postgres" "--set cache=redis" "--set database=postgres --set cache=redis"; do
  rm -rf choice
  # shellcheck disable=SC2086
  platform template render python-service --name=my-api $choice --into=choice
  (cd choice && check)
done

# A mistake is refused before anything is written.
if platform template render rust-service --name=orders --set port=80 --set prot=1 --into=orders 2>mistakes; then exit 1; fi
grep "parameters.port: must be at least 1024" mistakes
grep "parameters.prot: is not known" mistakes
test ! -e orders
