#!/usr/bin/env bash
# An image from another CI: what somebody else built is released, delivered and rolled back like anything else.
# The page is docs/how-to/an-image-from-another-ci.md: it shows every line but those marked "story only".
set -eu

cp -r "$REPOSITORY/examples/hello" hello
cd hello
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="-C target-feature=+crt-static" cargo build --quiet --release --target "$host" --target-dir ../target
cat >../to-layout.sh <<'SCRIPT'
# Writes ./hello.oci, an OCI image layout with one program: what `docker buildx build --output type=oci` or
# `buildah push oci:hello.oci` write in another CI.
set -e
blob() { digest=$(sha256sum "$1" | cut -d" " -f1); size=$(wc -c <"$1"); mv "$1" "hello.oci/blobs/sha256/$digest"; }
rm -rf hello.oci && mkdir -p hello.oci/blobs/sha256 root/app
cp "$1" root/app/hello
tar --create --file layer --directory root --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 app
blob layer; layer=$digest layer_size=$size
printf '{"architecture":"%s","os":"linux","config":{"Entrypoint":["/app/hello"],"User":"65532","ExposedPorts":{"8080/tcp":{}}},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$2" "$layer" >config
blob config; config=$digest config_size=$size
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:%s","size":%s}]}' "$config" "$config_size" "$layer" "$layer_size" >manifest
blob manifest
printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s}]}' "$digest" "$size" >hello.oci/index.json
printf '{"imageLayoutVersion":"1.0.0"}' >hello.oci/oci-layout
SCRIPT
cd ..
architecture=$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
bash to-layout.sh "target/$host/release/hello" "$architecture"

platform up
platform create-service --name=hello --image=hello.oci
platform deploy hello --env=staging --release=v0.1.0
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: hello.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "first edition"

sed --in-place 's/first edition/second edition/' hello/src/main.rs
(cd hello && RUSTFLAGS="-C target-feature=+crt-static" cargo build --quiet --release --target "$host" --target-dir ../target)
bash to-layout.sh "target/$host/release/hello" "$architecture"
platform release create --service=hello --image=hello.oci --commit=9fceb02d0ae598e95dc970b74767f19372d61af8
platform deploy hello --env=staging --release=v0.1.1
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: hello.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "second edition"

platform rollback hello --env=staging --to-version=v0.1.0
curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Host: hello.staging.sandbox.localhost" http://127.0.0.1:7080/ | grep "first edition"

platform history hello
platform down
