//! Migrations that go wrong on the real platform, with a real database: one that hangs, one that was edited after it ran,
//! one that is missing in the middle. Each time the version before goes on serving, and nothing of the database is lost.

use crate::support::shop::{FIRST, Shop};
use crate::support::{Home, can_run_containers, text};

const SECOND: (&str, &str) =
    ("0002_better.sql", "-- fairway: compatible\nUPDATE told SET word = 'better' WHERE word = 'good';\n");
const THIRD: (&str, &str) = ("0003_best.sql", "-- fairway: compatible\nUPDATE told SET word = 'best';\n");

#[test]
fn a_migration_that_hangs_was_edited_or_is_missing_harms_nothing() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    home.up();
    let Some(shop) = Shop::serving(home) else { return };
    hangs(&shop);
    is_edited(&shop);
    is_missing(&shop);
}

/// It is ended when its time is over, the database ends what it did, and whoever comes next is kept by no lock of it.
fn hangs(shop: &Shop) {
    let endless =
        ("0002_better.sql", "-- fairway: compatible\nUPDATE told SET word = 'lost';\nSELECT pg_sleep(86400);\n");
    let within = "    fairway.dev/migrate-within: 8s";
    shop.write(&[FIRST, endless], "asks", within);
    let said = refused(shop, "endless");
    assert!(said.contains("migration 0002 failed: it took longer than 8 s and was ended"), "{said}");
    shop.shows("good");
    let cause = shop.why_until("FailedMigration");
    assert!(cause["sentence"].as_str().is_some_and(|it| it.contains("it took longer than 8 s")), "{cause:#}");
    shop.write(&[FIRST, SECOND], "asks", within);
    let mended = shop.deliver("better");
    assert!(mended.status.success(), "{}{}", text(&mended.stdout), text(&mended.stderr));
    shop.shows("better");
}

fn is_edited(shop: &Shop) {
    let edited = (FIRST.0, "-- fairway: compatible\nDROP TABLE told;\n");
    shop.write(&[edited, SECOND], "asks", "");
    let said = refused(shop, "edited");
    assert!(said.contains("migration 0001 ran here as 0001_init.sql and reads otherwise in this release"), "{said}");
    assert!(said.contains("restore migration 0001 as it was, and put the change in a new one"), "{said}");
}

/// First the one in the middle is gone from the folder, then one appears between two that ran.
fn is_missing(shop: &Shop) {
    shop.write(&[FIRST, THIRD], "asks", "");
    let said = refused(shop, "missing");
    assert!(said.contains("migration 0002 ran here and is missing from this release"), "{said}");
    shop.write(&[FIRST, SECOND, THIRD], "asks", "");
    let mended = shop.deliver("third");
    assert!(mended.status.success(), "{}{}", text(&mended.stdout), text(&mended.stderr));
    shop.shows("best");
    let plan = shop.ok(&["db", "migrate", "shop", "--env=staging", "--plan"]);
    assert!(plan.contains("the schema is at 0003"), "{plan}");
}

/// The version is not rolled out, the one before serves: what is said of it.
fn refused(shop: &Shop, name: &str) -> String {
    let before = shop.page("/");
    let output = shop.deliver(name);
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("goes on serving"), "{said}");
    assert_eq!(shop.page("/"), before, "{said}");
    said
}
