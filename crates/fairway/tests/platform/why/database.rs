//! A real database that refuses, that is away, and that a migration fails on: each is named, and the next command that is
//! told mends it or shows what is to be mended.

use serde_json::Value;

use crate::support::shop::{FIRST, Shop, servers};
use crate::support::{Home, can_run_containers, text};

#[test]
fn a_real_database_that_refuses_is_away_or_cannot_be_changed_is_named_and_mended() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    home.up();
    let Some(shop) = Shop::serving(home) else { return };
    a_password_that_somebody_changed_in_the_server(&shop);
    a_version_that_was_refused_for_it(&shop);
    a_server_that_hangs(&shop);
    a_migration_that_fails(&shop);
}

/// The sentence, the strongest evidence, and who can mend it with which command; the first line of `status` says the same.
fn told<'a>(shop: &Shop, cause: &'a Value, sentence: &str, evidence: &[&str], next: &str) -> &'a Value {
    assert!(cause["sentence"].as_str().is_some_and(|it| it.starts_with(sentence)), "{cause:#}");
    let all = cause["evidence"].to_string();
    for part in evidence {
        assert!(all.contains(&part.replace('"', "\\\"")), "without {part}: {cause:#}");
    }
    assert_eq!((&cause["fixedBy"], &cause["nextStep"]), (&"its team".into(), &next.into()), "{cause:#}");
    let status = text(&shop.run(&["status", "shop", "--env=staging"]).stdout);
    let first = status.lines().next().unwrap_or_default();
    assert!(first.contains(cause["sentence"].as_str().unwrap_or_default()), "{status}");
    cause
}

const REFUSES: &str = "database shop-db refuses the password of user \"app_";
const ROTATE: &str = "platform resource rotate shop-db --env=staging";

fn a_password_that_somebody_changed_in_the_server(shop: &Shop) {
    change_password(shop);
    let cause = shop.why_until("WrongDatabasePassword");
    let evidence = ["password authentication failed for user \"app_a\"", "Secret shop-db-connection", "key \"url\""];
    let next = shop.next(told(shop, &cause, REFUSES, &evidence, ROTATE));
    assert!(next.contains("has new credentials"), "{next}");
    shop.shows("good");
    assert_eq!(shop.why()["kind"], "Serving");
}

/// A version that is tried with it is refused; with the right one it is tried again by itself.
fn a_version_that_was_refused_for_it(shop: &Shop) {
    change_password(shop);
    shop.write(&[FIRST], "asks", "");
    let refused = shop.deliver("tried");
    assert_eq!(refused.status.code(), Some(5), "{}", text(&refused.stdout));
    let cause = shop.why_until("WrongDatabasePassword");
    let evidence = ["password authentication failed for user \"app_b\"", "Secret shop-db-connection"];
    shop.next(told(shop, &cause, REFUSES, &evidence, ROTATE));
    let serves = shop.ok(&["status", "shop", "--env=staging", "--wait"]);
    assert!(serves.contains("v0.1.1 serves"), "{serves}");
    shop.shows("good");
}

/// As somebody does who types in the wrong window.
fn change_password(shop: &Shop) {
    let line = "psql \"$DATABASE_URL\" -c 'SET ROLE NONE' -c \"ALTER ROLE SESSION_USER PASSWORD 'another'\"";
    let changed = shop.shell(line);
    assert!(changed.status.success(), "{}", text(&changed.stderr));
}

fn a_server_that_hangs(shop: &Shop) {
    let [server] = servers(&shop.home)[..] else { unreachable!("{:?}", servers(&shop.home)) };
    signal(server, "STOP");
    let cause = shop.why_until("DatabaseDown");
    let evidence = ["connection to server at \"shop-db\"", "Resource shop-db"];
    let next = "platform resource show shop-db --env=staging";
    told(shop, &cause, "database shop-db does not answer", &evidence, next);
    // Its own check takes a while to give it up.
    let seen = (0..300).any(|_| shop.next(&cause).contains("cannot be used at present: 0 of 1 instances of shop-db"));
    signal(server, "CONT");
    assert!(seen, "{}", shop.next(&cause));
    shop.ok(&["status", "shop", "--env=staging", "--wait"]);
    shop.shows("good");
}

fn signal(process: u32, name: &str) {
    let sent = std::process::Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).status();
    assert!(sent.expect("kill runs").success());
}

fn a_migration_that_fails(shop: &Shop) {
    let (slip, right) = ("ALTER TABLE tolt ADD COLUMN more text;\n", "ALTER TABLE told ADD COLUMN more text;\n");
    let second = |statement: &str| format!("-- fairway: compatible\nUPDATE told SET word = 'half';\n{statement}");
    shop.write(&[FIRST, ("0002_more.sql", &second(slip))], "asks", "");
    let failed = shop.deliver("slip");
    assert_eq!(failed.status.code(), Some(5), "{}", text(&failed.stdout));
    let cause = shop.why_until("FailedMigration");
    let next = "platform logs shop --env=staging --migration";
    let evidence = ["relation \"tolt\" does not exist", "Job shop-migrate-"];
    let shown = shop.next(told(shop, &cause, "a migration failed: error: ", &evidence, next));
    assert!(shown.contains("0002_more.sql") && shown.contains("relation \"tolt\" does not exist"), "{shown}");
    assert!(cause["sentence"].as_str().is_some_and(|it| it.contains("goes on serving")), "{cause:#}");
    shop.shows("good");
    shop.write(&[FIRST, ("0002_more.sql", &second(right))], "asks", "");
    let mended = shop.deliver("right");
    assert!(mended.status.success(), "{}{}", text(&mended.stdout), text(&mended.stderr));
    shop.shows("half");
}
