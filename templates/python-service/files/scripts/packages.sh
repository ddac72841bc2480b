#!/bin/sh
# packages.sh LOCK FOLDER: puts the packages of a lock file into a folder, each only if it is what the lock's hash says.
# They are kept in $WHEELS: what was fetched once needs no network.
set -eu
lock=$1
folder=$2
wheels=${WHEELS:-.wheels}

pip() { python3 -m pip --disable-pip-version-check --quiet "$@"; }
install() {
    rm -rf "$folder"
    pip install --no-index --find-links "$wheels" --require-hashes --only-binary :all: --no-compile --target "$folder" -r "$lock"
}

mkdir -p "$wheels"
unset PIP_FIND_LINKS
if ! install 2>/dev/null; then
    pip download --require-hashes --only-binary :all: --dest "$wheels" -r "$lock"
    install
fi
