//! Databases on the real platform: a service that names one gets it, reads from it, outlives the end of its server and a
//! change of its password, and leaves a dump when it goes.

mod dumps;

mod full;

mod killed;

mod refused;

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::Api;
use serde_json::Value;

use crate::support::shop::{find, servers};
use crate::support::{Home, can_run_containers, is_superseded, text};

/// Asks its database again and again, each time with a login of its own, and says what came.
const READER: &str = r#"trap 'exit 0' TERM
make="CREATE TABLE IF NOT EXISTS told (word text); INSERT INTO told SELECT 'kept' WHERE NOT EXISTS (SELECT FROM told)"
psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -qAtc "$make" || exit 1
while :; do
  if said=$(psql "$DATABASE_URL" -qAtc "SELECT 'answer: ' || word || ' for ' || session_user FROM told" 2>&1); then
    echo "$said"
  else
    echo "FAILED: $said"
  fi
  sleep 0.05
done
"#;

/// A service whose image is that of its database: the client's programs are in it.
struct Reader<'a> {
    home: &'a Home,
    folder: PathBuf,
}

impl<'a> Reader<'a> {
    /// Registered, with a score file that names no resource yet.
    fn registered(home: &'a Home) -> Self {
        let folder = home.work().join("reader");
        std::fs::create_dir_all(&folder).expect("a folder");
        let it = Self { home, folder };
        it.write("bases/postgres-15:latest", "");
        home.ok(&["create-service", "--name=reader", "--from=reader"]);
        it
    }

    fn write(&self, image: &str, rest: &str) {
        let script: String = READER.lines().map(|it| format!("          {it}\n")).collect();
        let score = format!(
            "apiVersion: score.dev/v1b1\nmetadata:\n  name: reader\ncontainers:\n  web:\n    image: {image}\n    \
             command: [/bin/sh, -c]\n    args:\n      - |\n{script}{rest}"
        );
        std::fs::write(self.folder.join("score.yaml"), score).expect("write score.yaml");
    }

    fn score(&self) -> String {
        std::fs::read_to_string(self.folder.join("score.yaml")).expect("score.yaml")
    }

    fn run(&self, arguments: &[&str]) -> std::process::Output {
        self.home.command(arguments).current_dir(&self.folder).output().expect("the binary runs")
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = || format!("{}{}{}", text(&output.stdout), text(&output.stderr), self.home.log());
        assert!(output.status.success(), "platform {}: {}", arguments.join(" "), said());
        text(&output.stdout)
    }

    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "platform {}: {}", arguments.join(" "), text(&output.stdout));
        text(&output.stderr)
    }

    fn resource(&self) -> Value {
        let shown = self.ok(&["resource", "show", "reader-db", "--env=staging", "-o", "json"]);
        serde_json::from_str(&shown).expect("JSON")
    }

    /// The log of every instance there is.
    fn log(&self) -> String {
        self.ok(&["logs", "reader", "--env=staging", "--tail=100000"])
    }

    /// Looks at the log until it has this.
    fn says(&self, part: &str) {
        until(|| self.log(), |it| it.contains(part));
    }

    /// Looks at the log until this is what it said last.
    fn says_last(&self, part: &str) {
        until(|| self.log(), |it| it.lines().last().is_some_and(|it| it.contains(part)));
    }

    /// What it says from now on, of every instance there is now, until [`Child`] is killed.
    fn follow(&self, into: &std::path::Path) -> Child {
        let file = std::fs::File::create(into).expect("a file");
        let mut command = self.home.command(&["logs", "reader", "--env=staging", "--follow"]);
        command.stdout(file).stderr(Stdio::null()).spawn().expect("the binary runs")
    }
}

/// Looks at a log until it is as it should be.
fn until(log: impl Fn() -> String, is_it: impl Fn(&str) -> bool) {
    for _ in 0..600 {
        if is_it(&log()) {
            return;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    unreachable!("never: {}", log());
}

/// The image that the platform made of a base, by digest.
fn image(resource: &Value) -> String {
    resource["image"].as_str().expect("an image").to_owned()
}

/// A service with a database on a platform of its own; nothing where containers or the image cannot be had.
fn with_database(shows: impl FnOnce(&Home, &Reader<'_>)) {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    home.up();
    let reader = Reader::registered(&home);
    if !adds(&reader) {
        return;
    }
    shows(&home, &reader);
}

#[test]
fn a_service_gets_its_database_keeps_it_over_a_rotation_and_leaves_a_dump() {
    with_database(|home, reader| {
        reads(reader);
        rotates(reader);
        is_killed(home, reader);
        grows(reader);
        goes(reader);
    });
}

/// One command: the line in the score file, and the database. False where its image cannot be had here.
fn adds(reader: &Reader<'_>) -> bool {
    let unknown = reader.fails(&["resource", "add", "oracle", "--name=db", "--env=staging"]);
    assert!(unknown.contains("there is no resource \"oracle\"; there are postgres, redis"), "{unknown}");
    let plan = reader.fails(&["resource", "add", "postgres", "--name=db", "--env=staging", "--plan=huge"]);
    assert!(plan.contains("no plan \"huge\"; it has small, medium, large"), "{plan}");
    let before = reader.score();
    let add = ["resource", "add", "postgres", "--name=db", "--env=staging"];
    let shown = reader.ok(&[&add[..], &["--dry-run"]].concat());
    assert!(shown.contains("+ StatefulSet reader-db\n") && shown.contains("variable DB_URL"), "{shown}");
    assert_eq!(reader.score(), before, "nothing was done");
    let output = reader.run(&[&add[..], &["--timeout=10m"]].concat());
    if is_superseded(&text(&output.stderr)) {
        return false;
    }
    let added = text(&output.stdout);
    assert!(output.status.success(), "{}{}", text(&output.stderr), reader.home.log());
    assert!(added.contains("postgres 15 in plan small can be used in staging"), "{added}");
    assert!(added.contains("variables: DB_URL"), "{added}");
    assert!(reader.score().contains("DB_URL: \"${resources.db.url}\""));
    let again = reader.fails(&add);
    assert!(again.contains("has a resource \"db\" already"), "{again}");
    true
}

/// The service starts with it, and its answer is what the database holds.
fn reads(reader: &Reader<'_>) {
    let rest = "    variables:\n      DATABASE_URL: \"${resources.db.url}\"\nresources:\n  db: { type: postgres }\n";
    reader.write(&image(&reader.resource()), rest);
    reader.ok(&["deploy", "--env=staging", "--timeout=5m"]);
    reader.says("answer: kept for app_a");
    let used = reader.resource();
    assert_eq!(used["usedBy"], serde_json::json!(["reader"]), "{used}");
    let refused = reader.fails(&["resource", "remove", "reader-db", "--env=staging", "--yes"]);
    assert!(refused.contains("reader uses reader-db in staging; it stays"), "{refused}");
}

/// Every request of the service begins with a login, and none fails.
fn rotates(reader: &Reader<'_>) {
    let old = reader.home.work().join("old.log");
    let mut following = reader.follow(&old);
    let followed = || std::fs::read_to_string(&old).expect("a log");
    let many = |log: &str, answer: &str| log.matches(answer).count() > 10;
    until(followed, |it| many(it, "answer: kept for app_a"));
    reader.ok(&["resource", "rotate", "reader-db", "--env=staging", "--timeout=5m"]);
    until(|| reader.log(), |it| many(it, "answer: kept for app_b"));
    let _ = following.kill();
    let _ = following.wait();
    let said = format!("{}{}", followed(), reader.log());
    let (answers, failed) = (said.matches("answer: kept").count(), said.matches("FAILED").count());
    eprintln!("rotation: {answers} requests, {failed} failed");
    assert!(answers > 20, "{said}");
    assert_eq!(failed, 0, "{said}");
}

/// The server's pod is ended without a warning; it comes back with what it held.
fn is_killed(home: &Home, reader: &Reader<'_>) {
    let servers = servers(home);
    assert_eq!(servers.len(), 1, "{servers:?}");
    let killed = std::process::Command::new("kill").arg("-9").arg(servers[0].to_string()).status();
    assert!(killed.expect("kill runs").success());
    for _ in 0..600 {
        let log = reader.log();
        let after = log.rfind("FAILED").map(|it| &log[it..]);
        if after.is_some_and(|it| it.contains("answer: kept for app_b")) {
            return;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    unreachable!("it never answered again: {}{}", reader.log(), home.log());
}

/// Another plan gives it more room, and it keeps what it holds; one with less is refused, and nothing changes.
fn grows(reader: &Reader<'_>) {
    let in_plan = |plan: &str| {
        let needs = format!("resources:\n  db: {{ type: postgres, params: {{ plan: {plan} }} }}\n");
        let rest = format!("    variables:\n      DATABASE_URL: \"${{resources.db.url}}\"\n{needs}");
        reader.write(&image(&reader.resource()), &rest);
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let claim = || {
        let claim = runtime.block_on(async {
            let claims: Api<PersistentVolumeClaim> = Api::namespaced(reader.home.client().await, "sandbox--staging");
            claims.get("reader-db-data").await.expect("the claim")
        });
        let requests = claim.spec.and_then(|it| it.resources?.requests).expect("requests");
        requests["storage"].0.clone()
    };
    assert_eq!(claim(), "1Gi");
    in_plan("medium");
    reader.ok(&["deploy", "--env=staging", "--timeout=5m"]);
    assert_eq!((claim(), reader.resource()["plan"].clone()), ("10Gi".to_owned(), Value::from("medium")));
    reader.says_last("answer: kept for app_b");
    in_plan("small");
    let refused = reader.fails(&["deploy", "--env=staging", "--timeout=2m"]);
    assert!(refused.contains("reader-db-data has 10Gi, which cannot shrink"), "{refused}");
    assert_eq!((claim(), reader.resource()["plan"].clone()), ("10Gi".to_owned(), Value::from("medium")));
    in_plan("medium");
    reader.ok(&["deploy", "--env=staging", "--timeout=5m"]);
    reader.says_last("answer: kept for app_b");
}

/// Nothing uses it any more: it goes, and what it held is kept.
fn goes(reader: &Reader<'_>) {
    reader.ok(&["delete", "component", "reader", "--yes"]);
    let removed = reader.ok(&["resource", "remove", "reader-db", "--env=staging", "--yes", "--timeout=5m"]);
    assert!(removed.contains("a dump of what it held is in the claim reader-db-dumps"), "{removed}");
    let dumps = find(&reader.home.path(), "-removed.dump");
    assert_eq!(dumps.len(), 1, "{dumps:?}");
    assert!(std::fs::metadata(&dumps[0]).expect("a dump").len() > 500);
    assert!(find(&reader.home.path(), "PG_VERSION").is_empty(), "the data is gone");
    assert!(reader.ok(&["resource", "list"]).contains("no resource yet"));
}
