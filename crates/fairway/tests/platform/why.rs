//! Faults planted in services on the real platform: each is named by `platform why`, with what says so, and a program that
//! merely ends blames nobody. A good version serves before, and goes on serving.

mod scene;

mod database;

use serde_json::Value;

use crate::support::can_run_containers;
use scene::{Planted, Scene};

const fn fault(name: &'static str, fault: &'static str, kind: &'static str, says: &'static [&'static str]) -> Planted {
    Planted { name, fault, settings: &[], path: "/healthz", environment: "staging", kind, says }
}

/// Those of the twelve faults that need no database of their own.
const FAULTS: &[Planted] = &[
    // Of a real database's refusal: crates/fairway/tests/platform/why/database.rs.
    fault("password", "password", "WrongDatabasePassword", &["refuses the password of user \"app\""]),
    fault("variable", "variable", "MissingVariable", &["variable GREETED", "is not set", "Error: GREETED: "]),
    Planted {
        settings: &[("DATABASE", "away:5432")],
        ..fault("database", "database", "DatabaseDown", &["database away does not answer", "no ready endpoint"])
    },
    Planted {
        settings: &[("CALLS", "bystandr:80")],
        ..fault("misspelt", "calls", "MisspeltService", &["calls bystandr", "bystander is meant?"])
    },
    Planted {
        settings: &[("CALLS", "api.example.com:443")],
        ..fault(
            "egress",
            "calls",
            "EgressDenied",
            &["may not reach api.example.com", "EgressDenied: ", "the platform team"],
        )
    },
    Planted {
        path: "/helthz",
        ..fault("path", "none", "WrongProbePath", &["asks for /helthz on port 8080", "404", "/healthz is meant?"])
    },
    Planted {
        settings: &[("PORT", "8081")],
        ..fault("port", "port", "PortMismatch", &["listens on port 8081, and is called on port 8080"])
    },
    fault("memory", "memory", "OutOfMemory", &["used more memory than its limit of 48Mi", "MiB"]),
    fault("image", "none", "MissingImage", &["the image of container web cannot be had"]),
    fault(
        "secret",
        "none",
        "MissingSecretKey",
        &["secret keys has no key \"token\"", "variable TOKEN", "it has \"tokens\""],
    ),
    Planted {
        environment: "cramped",
        ..fault(
            "quota",
            "none",
            "QuotaFull",
            &["quota compute of cramped is full", "pods: 1 of 1 are used", "the platform team"],
        )
    },
    fault("exits", "exits", "Exits", &["container web exited with code 1", "the plan makes no sense"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_planted_fault_is_named_and_a_program_that_merely_ends_blames_nobody() {
    if !can_run_containers() {
        return;
    }
    let limited = fairway_node::machine::inspect().controllers.iter().any(|it| it == "memory");
    let faults: Vec<&Planted> = FAULTS.iter().filter(|it| limited || it.name != "memory").collect();
    let scene = Scene::set(&faults).await;
    let mut wrong = Vec::new();
    for it in &faults {
        scene.plant(it);
    }
    for it in &faults {
        scene.settle(it).await;
        let said = scene.why(it);
        let text = said.to_string();
        let missing: Vec<&&str> = it.says.iter().filter(|part| !text.contains(&escaped(part))).collect();
        eprintln!("{}: {}", it.name, said["sentence"].as_str().unwrap_or_default());
        if said["kind"] != it.kind || !missing.is_empty() {
            wrong.push(format!("{}: without {missing:?}: {said:#}", it.name));
        }
        scene.first_line_says(it, &said);
        scene.delivery_says(it, &said).await;
        assert!(said["nextStep"].as_str().is_some_and(|it| it.starts_with("platform ") || it.starts_with("kubectl ")));
        assert!(said["changed"]["by"].as_str().is_some_and(|it| it.starts_with("local:")), "{}: {said:#}", it.name);
    }
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), faults.len(), wrong.join("\n"));
}

/// As it stands in a JSON document.
fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
