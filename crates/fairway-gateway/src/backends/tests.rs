use std::time::Duration;

use serde_json::json;

use super::*;

fn service(ports: &[(&str, i32)]) -> Service {
    let ports: Vec<_> = ports.iter().map(|(name, port)| json!({ "name": name, "port": port })).collect();
    serde_json::from_value(json!({ "metadata": { "name": "web" }, "spec": { "ports": ports } })).unwrap()
}

/// A slice with one port; each endpoint is its address and the letters of its conditions (`r`eady, `s`erving,
/// `t`erminating, `-` for none, empty for absent).
fn slice(port: (&str, i32), endpoints: &[(&str, &str)]) -> Arc<EndpointSlice> {
    let endpoints: Vec<_> = endpoints.iter().map(|(address, letters)| {
        let conditions = if letters.is_empty() { json!({}) } else {
            let has = |it: char| letters.contains(it);
            json!({ "ready": has('r'), "serving": has('s'), "terminating": has('t') })
        };
        json!({ "addresses": [address], "conditions": conditions, "targetRef": { "uid": format!("uid-{address}") } })
    }).collect();
    Arc::new(
        serde_json::from_value(json!({
            "addressType": "IPv4", "endpoints": endpoints, "ports": [{ "name": port.0, "port": port.1 }],
        }))
        .unwrap(),
    )
}

fn addresses(keys: &[EndpointKey]) -> Vec<String> {
    keys.iter().map(|it| it.address.to_string()).collect()
}

#[test]
fn ready_endpoints_are_chosen_and_leaving_ones_only_when_nothing_else_is_left() {
    type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);
    let cases: &[Case] = &[
        ("all ready", &[("10.0.0.1", "rs"), ("10.0.0.2", "rs")], &["10.0.0.1:8080", "10.0.0.2:8080"]),
        ("absent conditions mean ready", &[("10.0.0.1", "")], &["10.0.0.1:8080"]),
        ("terminating gets nothing new", &[("10.0.0.1", "rs"), ("10.0.0.2", "st")], &["10.0.0.1:8080"]),
        ("the last ones still serve", &[("10.0.0.1", "st"), ("10.0.0.2", "t")], &["10.0.0.1:8080"]),
        ("not ready and not leaving", &[("10.0.0.1", "-")], &[]),
        ("same endpoint twice", &[("10.0.0.1", "rs"), ("10.0.0.1", "rs")], &["10.0.0.1:8080"]),
    ];
    for (case, endpoints, expected) in cases {
        let chosen = select(&service(&[("http", 80)]), 80, &[slice(("http", 8080), endpoints)]);
        assert_eq!(addresses(&chosen), *expected, "{case}");
    }
}

#[test]
fn a_port_is_found_by_its_name_in_every_slice() {
    let service = service(&[("http", 80), ("admin", 81)]);
    let slices = [
        slice(("http", 8080), &[("10.0.0.1", "rs")]),
        slice(("http", 9090), &[("10.0.0.2", "rs")]),
        slice(("admin", 1), &[("10.0.0.3", "rs")]),
    ];
    assert_eq!(addresses(&select(&service, 80, &slices)), ["10.0.0.1:8080", "10.0.0.2:9090"]);
    assert_eq!(addresses(&select(&service, 81, &slices)), ["10.0.0.3:1"]);
    assert_eq!(addresses(&select(&service, 82, &slices)), [""; 0]);
}

fn key(port: u16) -> BackendKey {
    BackendKey { namespace: "shop".into(), service: "web".into(), port }
}

#[test]
fn requests_go_round_evenly_and_leave_out_who_was_tried() {
    let backends = Backends::default();
    let endpoints = [("10.0.0.1", "rs"), ("10.0.0.2", "rs"), ("10.0.0.3", "rs")];
    backends.update("shop", "web", Some(&service(&[("http", 80)])), &[slice(("http", 8080), &endpoints)]);
    let set = backends.get(&key(80)).unwrap();
    let mut counts = HashMap::new();
    for _ in 0..300 {
        *counts.entry(set.pick(&[], Duration::ZERO).unwrap().key.clone()).or_insert(0) += 1;
    }
    assert_eq!(counts.values().copied().collect::<Vec<_>>(), [100, 100, 100]);

    let first = set.endpoints()[0].key.clone();
    assert!((0..30).all(|_| set.pick(std::slice::from_ref(&first), Duration::ZERO).unwrap().key != first));
    let all: Vec<_> = set.endpoints().iter().map(|it| it.key.clone()).collect();
    assert!(set.pick(&all, Duration::ZERO).is_none());
}

#[test]
fn a_busy_endpoint_is_passed_over_and_one_that_refused_comes_last() {
    let backends = Backends::default();
    let endpoints = [("10.0.0.1", "rs"), ("10.0.0.2", "rs")];
    backends.update("shop", "web", Some(&service(&[("http", 80)])), &[slice(("http", 8080), &endpoints)]);
    let set = backends.get(&key(80)).unwrap();
    let [one, two] = set.endpoints() else { panic!("two endpoints") };
    let busy = one.enter();
    assert!((0..10).all(|_| set.pick(&[], Duration::ZERO).unwrap().key == two.key));
    drop(busy);
    two.suspect(Duration::ZERO);
    assert!((0..10).all(|_| set.pick(&[], Duration::from_secs(1)).unwrap().key == one.key));
    assert!((0..10).any(|_| set.pick(&[], Duration::from_secs(3)).unwrap().key == two.key), "suspicion ends");
    one.suspect(Duration::ZERO);
    two.suspect(Duration::ZERO);
    assert!(set.pick(&[], Duration::ZERO).is_some(), "a suspect is better than nobody");
}

#[test]
fn an_update_keeps_who_stays_retires_who_leaves_and_touches_no_other_service() {
    let backends = Backends::default();
    let web = service(&[("http", 80)]);
    backends.update("shop", "web", Some(&web), &[slice(("http", 8080), &[("10.0.0.1", "rs"), ("10.0.0.2", "rs")])]);
    backends.update("shop", "other", Some(&web), &[slice(("http", 1), &[("10.0.0.9", "rs")])]);
    let before = backends.get(&key(80)).unwrap();
    backends.update("shop", "web", Some(&web), &[slice(("http", 8080), &[("10.0.0.2", "rs"), ("10.0.0.3", "rs")])]);
    let after = backends.get(&key(80)).unwrap();
    assert!(before.endpoints()[0].is_retired());
    assert!(Arc::ptr_eq(&before.endpoints()[1], &after.endpoints()[0]), "its connections live on");
    assert!(!after.endpoints()[0].is_retired());
    backends.update("shop", "web", None, &[]);
    assert!(backends.get(&key(80)).is_none());
    assert!(after.endpoints().iter().all(|it| it.is_retired()));
    assert!(backends.get(&BackendKey { service: "other".into(), ..key(80) }).is_some());
}
