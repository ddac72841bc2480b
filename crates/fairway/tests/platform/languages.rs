//! Golden paths of languages whose services are folders on a base image: one command, and their own pipeline makes what the
//! URL shows.

mod extras;

mod private;

use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use private::Inside;
use serde_json::Value;

use crate::support::developer::Developer;
use crate::support::{Home, can_run_containers, is_superseded};

/// Whether packages of other languages can be had: from the registries themselves, or through a proxy.
fn can_fetch_packages() -> bool {
    let direct = || {
        let found = "pypi.org:443".to_socket_addrs().ok().and_then(|mut it| it.next());
        found.is_some_and(|it| TcpStream::connect_timeout(&it, Duration::from_secs(5)).is_ok())
    };
    let can = std::env::var_os("HTTPS_PROXY").is_some() || direct();
    if !can {
        eprintln!("skipped: pypi.org does not answer");
    }
    can
}

/// Its bases may have to be fetched and made first. False where they cannot be any more.
fn past_its_bases(developer: &Developer<'_>, commit: &str) -> bool {
    let past = developer.until(commit, "past its bases", |it| {
        it["summary"].as_str().is_some_and(|it| !it.contains("waits for base image") || it.contains("no mirror has"))
    });
    !is_superseded(past["summary"].as_str().unwrap_or_default())
}

#[test]
fn a_service_in_python_comes_from_one_command_and_a_package_that_was_changed_stops_it() {
    if !can_run_containers() || !can_fetch_packages() {
        return;
    }
    let home = Home::new();
    let inside = Inside::here();
    let settings = Inside::settings(inside.as_ref());
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    home.up_with(&settings);
    home.ok(&["create-service", "--name=orders", "--language=python", "--set", "greeting=good day"]);
    let developer = Developer::of(&home);
    let first = developer.git(&home.work().join("orders"), &["rev-parse", "HEAD"]);
    if !past_its_bases(&developer, &first) {
        return;
    }
    let said = developer.ends(&first, "Succeeded");
    assert!(said.contains("on its way to staging"), "{said}");
    for _ in 0..300 {
        if developer.page().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let page: Value = serde_json::from_str(&developer.page().expect("it answers")).expect("JSON");
    assert_eq!((&page["service"], &page["greeting"]), (&"orders".into(), &"good day".into()));
    let releases: Value = serde_json::from_str(&home.ok(&["get", "releases", "-o", "json"])).expect("JSON");
    let base = releases["items"][0]["spec"]["toolchain"]["base"].as_str().unwrap_or_default().to_owned();
    assert!(base.starts_with("bases/python-3.11@sha256:"), "{releases}");
    let lock = std::fs::read_to_string(home.work().join("orders/requirements-dev.lock")).expect("a lock file");
    // Both of its files have another hash than the lock says now.
    let begin = lock.find("starlette==").expect("starlette");
    let length = lock[begin..].find("typing-extensions==").expect("what follows it");
    let parts: Vec<&str> = lock[begin..begin + length].split("sha256:").collect();
    let hashes: Vec<String> = parts[1..].iter().map(|it| format!("{}{}", "0".repeat(64), &it[64..])).collect();
    let changed = format!("{}sha256:{}", parts[0], hashes.join("sha256:"));
    let other = format!("{}{changed}{}", &lock[..begin], &lock[begin + length..]);
    let changed = developer.push(&[("requirements-dev.lock", &other)]);
    let said = developer.ends(&changed, "StepFailed");
    assert!(said.starts_with("step check failed: package starlette=="), "{said}");
    assert!(said.contains("its hash differs"), "{said}");
    assert!(developer.page().is_some(), "the last good version goes on serving");
    if let Some(inside) = &inside {
        let pipeline = std::fs::read_to_string(home.work().join("orders/.fairway/pipeline.yaml")).expect("a pipeline");
        inside.refuses_a_step(&developer, &home, &[("requirements-dev.lock", &lock)], &pipeline);
    }
}
