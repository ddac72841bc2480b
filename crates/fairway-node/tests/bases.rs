//! Base images do what they are for, in pods as the platform runs them. Their packages come out of the cache, else from
//! Debian; where a package is superseded there and not kept here, that is said and nothing is tried.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests unwrap as tests do")]

#[path = "support/bench.rs"]
mod bench;
#[path = "support/plane.rs"]
mod plane;

use std::path::Path;
use std::sync::Arc;

use fairway_node::LayoutImages;
use fairway_node::runner::LogOptions;
use fairway_oci::Layout;
use fairway_oci::base::{AskMirrors, Base, MakeBase, Sources};
use plane::{Plane, phase};
use serde_json::{Value, json};

/// Begins a database, asks it, takes a dump of it and ends it: what its entry script, its clients and its backup need.
const DATABASE: &str = "set -eu
export PGHOST=/data PGDATA=/data/pg
initdb --username=postgres --auth=peer --locale=C.UTF-8 --encoding=UTF8 > /data/initdb.log || { cat /data/initdb.log; exit 1; }
pg_ctl --wait --silent --log=/data/log --options='-c listen_addresses= -k /data' start || { cat /data/log; exit 1; }
psql --no-align --tuples-only --command=\"select upper('ä'), split_part(version(), '.', 1), extract(hour from timestamptz '2026-07-01 12:00Z' at time zone 'Europe/Berlin')\"
pg_dump --schema-only | grep 'database dump complete'
pg_ctl --wait --silent --mode=fast stop
id --user
";

/// What services do at their start, and nothing that the image does not have.
const PROGRAM: &str = "
import json, os, shutil, sqlite3, ssl, sys, zoneinfo
authorities = ssl.create_default_context().cert_store_stats()['x509_ca']
zone = zoneinfo.ZoneInfo('Europe/Berlin').key
print(sys.version.split()[0].rsplit('.', 1)[0], authorities > 100, zone, os.getuid(), shutil.which('sh'))
";

/// The base in a store, and what a pod names; nothing where Debian has newer packages only, and those of the lock are not
/// kept here: that is no mistake of ours. Everything else is one.
async fn made(folder: &Path, name: &str) -> Option<(Layout, String)> {
    let layout = Layout::open(&folder.join("store")).unwrap();
    let sources = Sources::find(|name| std::env::var(name).ok()).unwrap();
    let base = Base::known(name).unwrap();
    match sources.make(&layout, &base, Arc::new(|_| ())).await {
        Ok(made) => Some((layout, made.reference.to_string())),
        Err(error @ MakeBase::Fetch { source: AskMirrors::Gone { .. }, .. }) => {
            let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            bench::skipped(&format!("what needs base {name}: {error}: {source}"));
            None
        }
        Err(error) => panic!("{name}: {error:?}"),
    }
}

/// What a container of this image says until it ends.
async fn said(name: &str, command: Value) -> Option<String> {
    if !bench::can_run_pods() {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let (layout, image) = made(folder.path(), name).await?;
    let plane = Plane::with(|state| Arc::new(LayoutImages::new(layout, state))).await?;
    let container = json!({
        "name": "app", "image": image, "command": command,
        "securityContext": { "readOnlyRootFilesystem": true },
        "volumeMounts": [{ "name": "data", "mountPath": "/data" }, { "name": "tmp", "mountPath": "/tmp" }],
    });
    let spec = json!({
        "restartPolicy": "Never", "containers": [container], "securityContext": { "runAsNonRoot": true },
        "volumes": [{ "name": "data", "emptyDir": {} }, { "name": "tmp", "emptyDir": {} }],
    });
    plane.pod("it", &[], spec).await;
    let pod = plane.until("it", "done", |it| ["Succeeded", "Failed"].contains(&phase(it))).await;
    let log = plane.log("it", LogOptions::default()).await;
    assert_eq!(phase(&pod), "Succeeded", "{log}\n{:#?}", pod.status);
    plane.clean().await;
    Some(log)
}

#[tokio::test]
async fn the_postgres_base_makes_a_database_answers_and_dumps_it() {
    let Some(log) = said("postgres-15", json!(["/bin/sh", "-c", DATABASE])).await else { return };
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines, ["Ä|PostgreSQL 15|14", "-- PostgreSQL database dump complete", "65532"]);
}

#[tokio::test]
async fn the_python_base_runs_a_program_and_has_no_shell() {
    let Some(log) = said("python-3.11", json!(["/usr/bin/python3", "-c", PROGRAM])).await else { return };
    assert_eq!(log, "3.11 True Europe/Berlin 65532 None\n");
}

#[tokio::test]
async fn the_tools_base_makes_an_environment_with_pip() {
    let script = "set -eu; python3 -m venv --without-pip /data/venv; /data/venv/bin/python -c 'import sys; print(sys.prefix)'; python3 -m pip --version";
    let Some(log) = said("python-3.11-tools", json!(["/bin/bash", "-c", script])).await else { return };
    assert!(log.starts_with("/data/venv\npip 23."), "{log}");
}
