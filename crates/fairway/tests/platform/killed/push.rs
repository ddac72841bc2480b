//! The platform dies at each named point between a push and its URL: after the next start the URL shows what was pushed.

use std::time::Duration;

use crate::support::developer::{can_build, serving};
use crate::support::{Home, text};

/// Starts a platform that will die when it comes to this point.
fn arm(home: &Home, point: &str) {
    home.ok(&["down"]);
    let armed = home
        .command(&["up", "--port=0", "--gateway-port=0"])
        .env("FAIRWAY_FAILPOINTS", format!("{point}=kill"))
        .output()
        .expect("the binary runs");
    assert!(armed.status.success(), "{point}: {}{}", text(&armed.stderr), home.log());
}

/// Waits for its death.
fn dies(home: &Home, point: &str) {
    for _ in 0..600 {
        if home.run(&["get", "components"]).status.code() == Some(6) {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    unreachable!("{point} was never reached{}", home.log());
}

#[test]
fn killed_at_each_point_from_push_to_url_it_comes_to_show_what_was_pushed() {
    if !can_build() || !cfg!(debug_assertions) {
        return;
    }
    let home = Home::new();
    let developer = serving(&home);
    let mut serves = "good 1".to_owned();
    let points = fairway_git::FAILPOINTS.into_iter().filter(|it| it.starts_with("push-"));
    for (at, point) in points.chain(fairway_controllers::FAILPOINTS).enumerate() {
        arm(&home, point);
        // The last good version serves up to the moment of its death.
        developer.shows(&serves);
        let wanted = format!("good {}", at + 2);
        let commit = developer.commit(&[("answer.txt", &wanted)]);
        let acknowledged = developer.try_push().status.success();
        assert!(acknowledged || matches!(point, "push-taken" | "push-recorded" | "run-made"), "{point}{}", home.log());
        dies(&home, point);
        home.up();
        developer.shows_after(&serves, &wanted);
        developer.ends(&commit, "Succeeded");
        // While one version follows the other both answer.
        home.ok(&["status", "orders", "--env=staging", "--wait"]);
        assert_eq!(developer.page().as_deref(), Some(wanted.as_str()), "{point}");
        let ledger = home.ok(&["ledger", "export"]);
        let told = |it: &&str| it.contains("repository.pushed") && it.contains(&format!("\"to\":\"{commit}\""));
        assert_eq!(ledger.lines().filter(told).count(), 1, "{point}: the push is in the ledger once");
        home.ok(&["ledger", "verify"]);
        serves = wanted;
    }
    // Nothing is left of what the dead had begun.
    let left = std::fs::read_dir(home.path().join("git/.new")).expect("a folder").count();
    assert_eq!(left, 0, "half a repository is left");
}

#[test]
fn killed_when_a_repository_was_just_made_it_is_the_services_after_the_next_start() {
    if !can_build() || !cfg!(debug_assertions) {
        return;
    }
    let home = Home::new();
    home.up();
    arm(&home, "repository-made");
    let (code, said) = home.fails(&["create-service", "--name=orders", "--language=rust"]);
    assert_eq!(code, 6, "{said}");
    dies(&home, "repository-made");
    home.up();
    // The same command again is no other service: it waits for what was begun.
    let said = home.ok(&["create-service", "--name=orders", "--language=rust"]);
    assert!(said.contains("/git/sandbox/orders.git"), "{said}");
    let git = std::process::Command::new("git")
        .args(["rev-list", "--count", "main"])
        .current_dir(home.path().join("git/sandbox/orders.git"))
        .output()
        .expect("git runs");
    assert_eq!(text(&git.stdout).trim(), "1", "{}", text(&git.stderr));
    home.ok(&["ledger", "verify"]);
    home.ok(&["delete", "component", "orders", "--yes"]);
}
