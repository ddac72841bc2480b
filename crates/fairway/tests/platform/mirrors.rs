//! A mirror of packages that does not answer: what is kept is enough; where nothing is kept it is said what is missing and
//! what to do, and what waited for it is made as soon as the mirror is back.

use std::process::Command;

use crate::support::{Home, can_run_containers, is_superseded, text};

/// Nobody listens there.
const AWAY: &str = "http://127.0.0.1:9/debian";

#[test]
fn a_mirror_that_is_down_costs_nothing_with_a_warm_cache_and_loses_nothing_with_a_cold_one() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    let warmed = home.run(&["base", "build", "redis"]);
    let said = text(&warmed.stderr);
    if is_superseded(&said) {
        return;
    }
    assert!(warmed.status.success(), "{said}");
    let other = Home::new();
    let warm = away(other.command(&["base", "build", "redis"])).output().expect("the binary runs");
    assert!(warm.status.success(), "{}", text(&warm.stderr));
    let cold = Home::new();
    let cache = cold.work().join("cache");
    let mut build = away(cold.command(&["base", "build", "redis"]));
    let refused = build.env("FAIRWAY_CACHE", &cache).output().expect("the binary runs");
    let said = text(&refused.stderr);
    assert!(!refused.status.success() && said.contains("fetch package") && said.contains("127.0.0.1:9"), "{said}");
    assert!(said.contains("FAIRWAY_DEBIAN_MIRRORS"), "what to do: {said}");
    let mut up = away(cold.command(&["up", "--port=0", "--gateway-port=0"]));
    assert!(up.env("FAIRWAY_CACHE", &cache).status().is_ok_and(|it| it.success()), "{}", cold.log());
    cold.ok(&["create-service", "--name=api", "--from", &cold.service("api")]);
    let add = ["resource", "add", "redis", "--name=cache", "--to=api", "--env=staging", "--yes", "--timeout=5s"];
    let (code, said) = {
        let mut command = cold.command(&add);
        let output = command.current_dir(cold.work().join("api")).output().expect("the binary runs");
        (output.status.code(), text(&output.stderr))
    };
    assert_ne!(code, Some(0), "{said}");
    let shown = cold.ok(&["resource", "show", "api-cache", "--env=staging"]);
    for part in
        ["make the base image redis: fetch package", "127.0.0.1:9", "the platform team", "FAIRWAY_DEBIAN_MIRRORS"]
    {
        assert!(shown.contains(part), "without {part}: {shown}");
    }
    // An hour later.
    cold.ok(&["down"]);
    cold.up();
    for _ in 0..600 {
        if cold.ok(&["resource", "list"]).contains("redis 7 in plan small can be used in staging") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    unreachable!("it was never made: {}{}", cold.ok(&["resource", "list"]), cold.log());
}

/// A command for which every mirror is away.
fn away(mut command: Command) -> Command {
    for name in ["FAIRWAY_DEBIAN_MIRRORS", "FAIRWAY_DEBIAN_SECURITY_MIRRORS"] {
        command.env(name, AWAY);
    }
    command
}
