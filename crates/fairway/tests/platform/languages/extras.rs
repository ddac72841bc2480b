//! A service in Python with a database and a cache from one command: both are used, and two who migrate at once do no
//! harm.

use fairway_api::v1alpha1::{Migration, MigrationKind};
use fairway_plan::migration::said::said;
use serde_json::Value;

use super::{can_fetch_packages, past_its_bases};
use crate::support::developer::Developer;
use crate::support::{Home, can_run_containers, text};

/// Two at once run a migration that takes a while; each ends well, and it ran once.
const TWICE: &str = r#"
import subprocess, sys
program = """
import sys
import app.migrate as it
from app.migrations import Migration
sql = b"CREATE TABLE slow (at timestamptz DEFAULT now()); INSERT INTO slow DEFAULT VALUES; SELECT pg_sleep(2);"
first = it.read(it.FOLDER)
it.read = lambda _: [*first, Migration("0002", "slow", "compatible", "sha256:0", sql)]
sys.exit(it.main([]))
"""
both = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) for _ in range(2)]
said = [it.communicate()[0].decode() for it in both]
print([it.returncode for it in both], "".join(said).count('"ran"'), all('"schema": "0002"' in it for it in said))
"#;

/// One of two that are left fails; the program says so to the platform.
const HALF_WAY: &str = r#"
import sys
import app.migrate as it
from app.migrations import Migration
first = it.read(it.FOLDER)
statements = {"0002": b"", "0003": b"CREATE TABLE good ();", "0004": b"ALTER TABLE nowhere ADD COLUMN it text;"}
others = [Migration(id, "slow" if id == "0002" else "more", "compatible", "sha256:0", sql) for id, sql in statements.items()]
it.read = lambda _: [*first, *others]
sys.exit(it.main([]))
"#;

#[test]
fn a_service_has_its_database_and_its_cache_and_two_who_migrate_at_once_do_no_harm() {
    if !can_run_containers() || !can_fetch_packages() {
        return;
    }
    let home = Home::new();
    home.up();
    home.ok(&["create-service", "--name=orders", "--language=python", "--database=postgres", "--cache=redis"]);
    let developer = Developer::of(&home);
    let first = developer.git(&home.work().join("orders"), &["rev-parse", "HEAD"]);
    if !past_its_bases(&developer, &first) {
        return;
    }
    developer.ends(&first, "Succeeded");
    home.ok(&["status", "orders", "--env=staging", "--wait", "--timeout=5m"]);
    let page = || -> Value { serde_json::from_str(&developer.page().expect("it answers")).expect("JSON") };
    let visits = |it: &Value| it["visits"].as_u64().unwrap_or_default();
    let (one, two) = (page(), page());
    assert!(one["greeting"] == "hello" && visits(&one) > 0 && visits(&two) == visits(&one) + 1, "{one} {two}");
    let listed = home.ok(&["resource", "list", "--env=staging"]);
    for part in ["postgres 15 in plan small can be used in staging", "redis 7 in plan small can be used in staging"] {
        assert!(listed.contains(part), "{listed}");
    }
    let cause = home.ok(&["why", "orders", "--env=staging", "-o", "json"]);
    assert!(cause.contains("\"Serving\""), "{cause}");
    let twice = home.run(&["exec", "orders", "--env=staging", "--", "python3", "-c", TWICE]);
    assert_eq!(text(&twice.stdout).trim(), "[0, 0] 1 True", "{}", text(&twice.stderr));
    fails_half_way(&home);
    home.ok(&["resource", "rotate", "orders-cache", "--env=staging", "--timeout=3m"]);
    assert!(visits(&page()) > visits(&two), "the cache is still the same one");
}

fn fails_half_way(home: &Home) {
    let failed = home.run(&["exec", "orders", "--env=staging", "--", "python3", "-c", HALF_WAY]);
    let printed = text(&failed.stdout);
    assert_eq!(failed.status.code(), Some(1), "{printed}{}", text(&failed.stderr));
    let (name, digest, kind) = ("more".to_owned(), "sha256:0".to_owned(), MigrationKind::Compatible);
    let step = |id: &str| Migration { id: id.to_owned(), name: name.clone(), digest: digest.clone(), kind };
    let (third, fourth) = (step("0003"), step("0004"));
    let steps = [&third, &fourth];
    let said = said(&printed, &steps);
    assert_eq!((said.ran, said.failed), (&steps[..1], Some(&fourth)), "{printed}");
    assert!(said.why.is_some_and(|it| it.starts_with("relation \"nowhere\" does not exist")), "{printed}");
}
