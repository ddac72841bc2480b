//! From a push to a URL on the real platform: real git, steps in their sandboxes, the machine's own compiler; and what
//! happens on the way when a test fails, a step hangs, or the platform dies.

use std::time::Duration;

use crate::support::developer::{PIPELINE, TEST, can_build, serving};
use crate::support::{Home, text};

#[test]
fn a_push_becomes_what_the_url_shows_and_a_bad_one_stops_with_the_name_of_its_test() {
    if !can_build() {
        return;
    }
    let home = Home::new();
    let developer = serving(&home);
    let bad = developer.push(&[("answer.txt", "bad")]);
    assert_eq!(developer.ends(&bad, "StepFailed"), "step test failed: test tests::is_good failed");
    let printed = developer.printed(&developer.run_of(&bad).expect("the run"));
    assert!(printed.contains("== test (failed") && printed.contains("is_good ... FAILED"), "{printed}");
    assert_eq!(developer.page().as_deref(), Some("good 1"), "the last good version goes on serving");
    let hangs = developer.push(&[
        ("answer.txt", "good 2"),
        ("test.sh", "sleep 600"),
        (".fairway/pipeline.yaml", &PIPELINE.replace("timeout: 20s", "timeout: 2s")),
    ]);
    let said = developer.ends(&hangs, "StepFailed");
    assert!(said.contains("longer than 2 s"), "{said}");
    let mended = developer.push(&[("test.sh", TEST), (".fairway/pipeline.yaml", PIPELINE)]);
    developer.ends(&mended, "Succeeded");
    developer.shows("good 2");
}

#[test]
fn a_run_goes_on_after_kill_9_and_a_removed_service_leaves_no_repository() {
    if !can_build() {
        return;
    }
    let home = Home::new();
    let developer = serving(&home);
    let pushed = developer.push(&[("answer.txt", "good 2"), ("test.sh", &format!("sleep 3\n{TEST}"))]);
    developer.until(&pushed, "running", |it| it["summary"].as_str().is_some_and(|it| it.contains("test is running")));
    home.kill();
    home.up();
    developer.ends(&pushed, "Succeeded");
    developer.shows("good 2");
    let url = developer.url();
    home.ok(&["delete", "component", "orders", "--yes"]);
    for _ in 0..300 {
        if !home.run(&["get", "component", "orders"]).status.success() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let gone = developer.try_git(&home.work(), &["ls-remote", &url]);
    assert!(!gone.status.success(), "the repository is left: {}", text(&gone.stdout));
    assert!(!home.path().join("git/sandbox/orders.git").exists());
}
