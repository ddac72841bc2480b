use serde_json::{Value, json};

use super::*;

fn image() -> Image {
    Image {
        entrypoint: vec!["/bin/app".into()],
        command: vec!["serve".into()],
        working_dir: "/srv".into(),
        user: "1000".into(),
        ..Image::default()
    }
}

fn made(container: Value, image: &Image) -> Result<runner::Container, Make> {
    let mut whole = json!({ "name": "app" });
    whole.as_object_mut().unwrap().extend(container.as_object().unwrap().clone());
    let pod: Pod = serde_json::from_value(json!({
        "metadata": { "name": "web", "namespace": "shop", "uid": "u" },
        "spec": { "containers": [whole], "securityContext": { "runAsGroup": 7 } }
    }))
    .unwrap();
    let place = Place { pod_ip: "10.244.0.2", host_ip: "10.244.0.1" };
    let source = || Source { path: PathBuf::from("pods/u/volumes/data"), read_only: false };
    let volume = |name: &str| (name == "data").then(source);
    let container = &pod.spec.as_ref().unwrap().containers[0];
    make(&pod, container, 3, image, &References::default(), &place, &volume)
}

#[test]
fn command_and_arguments_follow_the_table_of_kubernetes() {
    for (container, expected) in [
        (json!({}), vec!["/bin/app", "serve"]),
        (json!({ "args": ["check"] }), vec!["/bin/app", "check"]),
        (json!({ "command": ["/bin/sh"] }), vec!["/bin/sh"]),
        (json!({ "command": ["/bin/sh"], "args": ["-c", "$(HOSTNAME)"] }), vec!["/bin/sh", "-c", "web"]),
    ] {
        assert_eq!(made(container.clone(), &image()).unwrap().argv, expected, "{container}");
    }
    assert_eq!(made(json!({}), &Image::default()).unwrap_err(), Make::NoCommand);
}

#[test]
fn users_come_from_container_pod_and_image_in_this_order() {
    let it = made(json!({}), &image()).unwrap();
    assert_eq!((it.user, it.group, it.working_dir.as_str(), it.attempt), (1000, 7, "/srv", 3));
    let it = made(json!({ "securityContext": { "runAsUser": 5, "runAsGroup": 6 } }), &image()).unwrap();
    assert_eq!((it.user, it.group), (5, 6));
    let root = Image { user: String::new(), ..image() };
    assert!(matches!(made(json!({ "securityContext": { "runAsNonRoot": true } }), &root), Err(Make::Root { .. })));
    let stranger = Image { user: "nobody-knows".into(), ..image() };
    assert!(matches!(made(json!({}), &stranger), Err(Make::UnknownUser { .. })));
    let huge = json!({ "securityContext": { "runAsUser": 1i64 << 40 } });
    assert_eq!(made(huge, &image()).unwrap_err(), Make::UserRange { id: 1 << 40 });
}

#[test]
fn mounts_and_limits_are_carried_over() {
    let it = made(
        json!({
            "volumeMounts": [{ "name": "data", "mountPath": "/data", "subPathExpr": "$(HOSTNAME)", "readOnly": true }],
            "resources": { "limits": { "memory": "64Mi", "cpu": "250m" } },
            "securityContext": { "readOnlyRootFilesystem": true }
        }),
        &image(),
    )
    .unwrap();
    assert_eq!(it.mounts[0].sub_path.as_deref(), Some("web"));
    assert!(it.mounts[0].read_only && it.read_only_root);
    assert_eq!((it.limits.memory, it.limits.cpu_milli, it.limits.cpu_request_milli), (Some(64 << 20), Some(250), 250));
    let unknown = made(json!({ "volumeMounts": [{ "name": "x", "mountPath": "/x" }] }), &image());
    assert_eq!(unknown.unwrap_err(), Make::UnknownVolume { name: "x".into() });
}

#[test]
fn a_pod_asks_for_what_its_containers_want_at_one_time() {
    let one = |cpu: &str| json!({ "name": "it", "resources": { "requests": { "cpu": cpu } } });
    let mut beside = one("30m");
    beside["restartPolicy"] = "Always".into();
    let of = |first: &[Value], then: &[Value]| {
        let pod = json!({ "metadata": {}, "spec": { "initContainers": first, "containers": then } });
        cpu_request(&serde_json::from_value(pod).unwrap())
    };
    assert_eq!(of(&[], &[json!({ "name": "it" })]), 0);
    assert_eq!(of(&[one("50m")], &[one("100m"), one("1")]), 1100);
    assert_eq!(of(&[one("2"), beside.clone()], &[one("1")]), 2000);
    assert_eq!(of(&[beside], &[one("1")]), 1030);
}

#[test]
fn quantities_become_thousandths() {
    for (text, expected) in [
        ("1", Some(1000)),
        ("100m", Some(100)),
        ("0.5", Some(500)),
        ("1Ki", Some(1_024_000)),
        ("2M", Some(2_000_000_000)),
        ("1e3", Some(1_000_000)),
        ("1u", Some(1)),
        ("", None),
        ("-1", None),
        ("1Zi", None),
        ("99999999E", None),
    ] {
        assert_eq!(milli(&Quantity(text.into())), expected, "{text}");
    }
}

#[test]
fn host_names_fit_into_a_label() {
    let pod = |name: &str| Pod { metadata: serde_json::from_value(json!({ "name": name })).unwrap(), ..Pod::default() };
    assert_eq!(hostname(&pod("web-1")), "web-1");
    assert_eq!(hostname(&pod(&format!("{}-x", "a".repeat(62)))), "a".repeat(62));
}

#[test]
fn a_pod_may_say_how_much_log_its_containers_may_write() {
    let limit = |text: &str| {
        let annotations = json!({ "node.fairway.dev/log-limit": text });
        log_limit(&serde_json::from_value(json!({ "metadata": { "annotations": annotations } })).unwrap())
    };
    assert_eq!(limit("50Mi"), Ok(Some(LogLimit { bytes: 50 << 20, files: 1, then_drop: true })));
    assert_eq!(log_limit(&Pod::default()), Ok(None));
    for bad in ["", "much", "-1", "0"] {
        let error = limit(bad).unwrap_err();
        assert!(error.starts_with("metadata.annotations[node.fairway.dev/log-limit]: "), "{error}");
    }
}

#[test]
fn a_pod_may_say_how_many_processes_its_containers_may_have() {
    let limit = |text: &str| {
        let annotations = json!({ "node.fairway.dev/pids-limit": text });
        pids_limit(&serde_json::from_value(json!({ "metadata": { "annotations": annotations } })).unwrap())
    };
    assert_eq!((limit("256"), pids_limit(&Pod::default())), (Ok(Some(256)), Ok(None)));
    for bad in ["", "many", "-1", "0", "32769", "1.5"] {
        let error = limit(bad).unwrap_err();
        assert!(error.starts_with("metadata.annotations[node.fairway.dev/pids-limit]: "), "{error}");
    }
}
