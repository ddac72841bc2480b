#!/bin/sh
# packages.sh LOCK FOLDER: puts the packages of a lock file into a folder, each only if it is what the lock's hash says.
# They are kept in $WHEELS: what was fetched once needs no network.
set -eu
lock=$1
folder=$2
wheels=${WHEELS:-.wheels}

pip() { python3 -m pip --disable-pip-version-check "$@"; }
install() {
    rm -rf "$folder"
    pip install --quiet --no-index --find-links "$wheels" --require-hashes --only-binary :all: --no-compile \
        --target "$folder" -r "$lock"
}

mkdir -p "$wheels"
unset PIP_FIND_LINKS
if ! install 2>/dev/null; then
    download() { pip download --require-hashes --only-binary :all: --dest "$wheels" -r "$lock" "$@"; }
    if ! download --quiet; then
        # Why an index refuses is said only to who asks for more.
        download -vv --retries 0 2>&1 | grep 'Could not fetch URL' >&2 || true
        exit 1
    fi
    install
fi
