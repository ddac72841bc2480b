//! Migrations that go wrong on the real platform, with a real database: one that hangs, one that was edited after it ran,
//! one that is missing in the middle, a set that fails half-way, one that is still at work when the next is wanted. Each
//! time the version before goes on serving, and nothing of the database is lost.

use serde_json::Value;

use crate::support::shop::{FIRST, Shop};
use crate::support::{Home, can_run_containers, text};

const SECOND: (&str, &str) =
    ("0002_better.sql", "-- fairway: compatible\nUPDATE told SET word = 'better' WHERE word = 'good';\n");
const THIRD: (&str, &str) = ("0003_best.sql", "-- fairway: compatible\nUPDATE told SET word = 'best';\n");
const FOURTH: (&str, &str) = ("0004_note.sql", "-- fairway: compatible\nALTER TABLE told ADD COLUMN note text;\n");
const MENDED: (&str, &str) = ("0005_more.sql", "-- fairway: compatible\nALTER TABLE told ADD COLUMN more text;\n");
const SIXTH: (&str, &str) = ("0006_last.sql", "-- fairway: compatible\nUPDATE told SET word = 'last';\n");

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
    fails_half_way(&shop);
    waits_for_the_one_before(&shop);
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

/// What ran before the one that failed is known: it may not be edited any more, and the rest may.
fn fails_half_way(shop: &Shop) {
    let slip = (MENDED.0, "-- fairway: compatible\nALTER TABLE tolt ADD COLUMN more text;\n");
    shop.write(&[FIRST, SECOND, THIRD, FOURTH, slip, SIXTH], "asks", "");
    let said = refused(shop, "half-way");
    assert!(said.contains("migration 0005 failed after 0004 ran: error: "), "{said}");
    assert!(said.contains("relation \"tolt\" does not exist"), "{said}");
    let states = |it: &str| -> Vec<(String, String)> {
        let plan: Value = serde_json::from_str(it).expect("a plan");
        let step = |it: &Value| (text_of(&it["id"]), text_of(&it["state"]));
        plan["steps"].as_array().expect("steps").iter().skip(2).map(step).collect()
    };
    let shown = states(&shop.ok(&["db", "migrate", "shop", "--env=staging", "--plan", "-o", "json"]));
    let expected = [("0003", "applied"), ("0004", "applied"), ("0005", "failed"), ("0006", "pending")];
    assert_eq!(shown, expected.map(|(id, state)| (id.to_owned(), state.to_owned())));
    let edited = (FOURTH.0, "-- fairway: compatible\nALTER TABLE told ADD COLUMN other text;\n");
    shop.write(&[FIRST, SECOND, THIRD, edited, MENDED, SIXTH], "asks", "");
    let said = refused(shop, "half-way-edited");
    assert!(said.contains("migration 0004 ran here as 0004_note.sql and reads otherwise in this release"), "{said}");
    shop.write(&[FIRST, SECOND, THIRD, FOURTH, MENDED, SIXTH], "asks", "");
    let mended = shop.deliver("half-way-mended");
    assert!(mended.status.success(), "{}{}", text(&mended.stdout), text(&mended.stderr));
    shop.shows("last");
}

/// Nobody waits for the first any more, and its Job is at work. The second one's begins when that has ended.
fn waits_for_the_one_before(shop: &Shop) {
    const SLOW: &str = "-- fairway: compatible\nUPDATE told SET word = 'lost';\nSELECT pg_sleep(86400);\n";
    const QUICK: &str = "-- fairway: compatible\nUPDATE told SET word = 'quick';\n";
    let within = "    fairway.dev/migrate-within: 20s";
    let with = |text: &'static str| [FIRST, SECOND, THIRD, FOURTH, MENDED, SIXTH, ("0007_slow.sql", text)];
    shop.write(&with(SLOW), "asks", within);
    let slow = shop.release("slow");
    let given_up = shop.run(&["deploy", "shop", "--env=staging", &slow, "--timeout=3s"]);
    assert!(!given_up.status.success(), "{}", text(&given_up.stdout));
    let first = shop.at_work();
    assert_eq!(first.len(), 1, "{first:?}");
    shop.write(&with(QUICK), "asks", within);
    let quick = shop.release("quick");
    let deploy = ["deploy", "shop", "--env=staging", &quick, "--timeout=3m"];
    std::thread::scope(|both| {
        let deployed = both.spawn(|| shop.run(&deploy));
        shop.says(&format!("migration 0007 waits for job {} of an earlier try, which is still at work", first[0]));
        assert_eq!(shop.at_work(), first, "no other one has begun");
        let deployed = deployed.join().expect("it ends");
        assert!(deployed.status.success(), "{}{}", text(&deployed.stdout), text(&deployed.stderr));
    });
    shop.shows("quick");
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
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
