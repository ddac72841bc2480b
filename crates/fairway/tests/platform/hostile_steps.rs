//! Steps that mean harm, pushed to the real platform: each ends with a reason that says what to do, reaches nothing that is
//! not its own, and keeps no other step waiting.

use serde_json::Value;

use crate::support::Home;
use crate::support::developer::{Developer, can_build};

/// One step a mischief; none needs another.
const MISCHIEF: &str = r#"apiVersion: fairway.dev/v1alpha1
kind: Pipeline
steps:
  - name: forks
    toolchain: rust
    network: []
    timeout: 60s
    run: while true; do sleep 60 & done
  - name: prints
    toolchain: rust
    network: []
    log: 1Mi
    run: head -c 100000000 /dev/urandom
  - name: peeks
    toolchain: rust
    network: []
    run: |
      for it in PLATFORM/admin.token PLATFORM/git PLATFORM/node THEIRS /etc/shadow /var/run/docker.sock; do
        if test -r "$it"; then echo "it can read $it"; exit 9; fi
      done
      for it in 127.0.0.1/PORT 127.0.0.1/GATEWAY 169.254.169.254/80 example.com/443; do
        if bash -c ": < /dev/tcp/$it" 2>/dev/null; then echo "it reaches $it"; exit 9; fi
      done
      echo "it sees nothing"
"#;
/// Takes the place of the first run, which builds.
const QUIET: &str = r"apiVersion: fairway.dev/v1alpha1
kind: Pipeline
steps:
  - { name: nothing, toolchain: rust, network: [], run: 'true' }
refs:
  - { match: none, release: true }
";
const FILLS: &str = r"apiVersion: fairway.dev/v1alpha1
kind: Pipeline
steps:
  - { name: fills, toolchain: rust, network: [], workspace: 64Mi, run: head -c 400000000 /dev/zero > big && sleep 60 }
";

#[test]
fn hostile_steps_end_with_a_reason_and_reach_nothing_that_is_not_theirs() {
    if !can_build() {
        return;
    }
    let home = Home::new();
    home.up();
    home.ok(&["create-service", "--name=orders", "--language=rust"]);
    let developer = Developer::of(&home);
    let api = home.api_port();
    let mischief = MISCHIEF
        .replace("PLATFORM", &home.path().display().to_string())
        .replace("THEIRS", &std::env::home_dir().unwrap_or_default().display().to_string())
        .replace("PORT", &api.to_string())
        .replace("GATEWAY", &home.gateway_port().to_string());
    developer.push_to("main", &[(".fairway/pipeline.yaml", QUIET)]);
    let fills = developer.push_to("fills", &[(".fairway/pipeline.yaml", FILLS)]);
    let commit = developer.push_to("work", &[(".fairway/pipeline.yaml", &mischief)]);

    let said = developer.ends(&fills, "StepFailed");
    assert!(said.contains("exceeds the limit \"64Mi\""), "{said}");

    let said = developer.ends(&commit, "StepFailed");
    assert!(said.starts_with("step forks failed: "), "{said}");
    if fairway_node::machine::inspect().controllers.iter().any(|it| it == "pids") {
        assert!(said.contains("it reached its limit of 1024 processes"), "{said}");
    }
    let run = developer.run_of(&commit).expect("the run");
    let printed = developer.printed(&run);
    // Not what it printed itself, which is a megabyte of anything.
    let heads: Vec<&str> = printed.lines().filter(|it| it.starts_with("== ") || it.contains("what follows")).collect();
    assert!(
        printed.contains("== prints (succeeded") && printed.contains("is full; what follows is dropped"),
        "{heads:?}"
    );
    assert!(printed.contains("== peeks (succeeded") && printed.contains("it sees nothing"), "{printed}");
    let log = home.path().join("runs/sandbox").join(run["name"].as_str().expect("a name")).join("prints.log");
    let kept = std::fs::metadata(&log).expect("a log").len();
    assert!(kept < 2 << 20, "{kept} bytes of its log are kept");
    // Everybody else goes on.
    let status: Value = serde_json::from_str(&home.ok(&["get", "component", "orders", "-o", "json"])).expect("JSON");
    assert_eq!(status["status"]["repository"]["defaultBranch"], "main");
}
