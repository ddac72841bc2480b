use serde_json::json;

use super::*;

fn service(target: serde_json::Value) -> Service {
    serde_json::from_value(json!({
        "metadata": { "name": "web", "namespace": "n", "uid": "v1" },
        "spec": {
            "selector": { "app": "web" },
            "ports": [{ "name": "http", "port": 80, "targetPort": target, "protocol": "TCP" }],
        },
    }))
    .unwrap()
}

fn pod(name: &str, ip: &str, ready: bool, port: i32, leaving: bool) -> Pod {
    let mut tree = json!({
        "metadata": { "name": name, "namespace": "n", "uid": name, "labels": { "app": "web" } },
        "spec": { "containers": [{ "name": "c", "ports": [{ "name": "http", "containerPort": port }] }] },
        "status": { "phase": "Running", "podIP": ip, "conditions": [{ "type": "Ready", "status": if ready { "True" } else { "False" } }] },
    });
    if leaving {
        tree["metadata"]["deletionTimestamp"] = json!("1970-01-01T00:00:05Z");
    }
    serde_json::from_value(tree).unwrap()
}

fn conditions(slice: &EndpointSlice, index: usize) -> (bool, bool, bool) {
    let it = slice.endpoints[index].conditions.clone().unwrap();
    (it.ready.unwrap(), it.serving.unwrap(), it.terminating.unwrap())
}

#[test]
fn ready_waiting_and_leaving_pods_are_told_apart() {
    let pods = vec![
        pod("a", "10.244.0.2", true, 8080, false),
        pod("b", "10.244.0.3", false, 8080, false),
        pod("c", "10.244.0.4", true, 8080, true),
        pod("no-address", "", true, 8080, false),
    ];
    let plan = plan(&Observed { service: service(json!("http")), pods, slices: vec![] });
    let slice = &plan.apply[0];
    assert_eq!(slice.endpoints.len(), 3);
    assert_eq!(conditions(slice, 0), (true, true, false));
    assert_eq!(conditions(slice, 1), (false, false, false));
    assert_eq!(conditions(slice, 2), (false, true, true));
    assert_eq!(slice.ports.as_ref().unwrap()[0].port, Some(8080));
    assert_eq!(slice.labels()[LABEL_SERVICE], "web");
}

#[test]
fn a_second_pass_over_an_unchanged_world_writes_nothing() {
    let pods = vec![pod("a", "10.244.0.2", true, 8080, false)];
    let first = plan(&Observed { service: service(json!(8080)), pods: pods.clone(), slices: vec![] });
    let second = plan(&Observed { service: service(json!(8080)), pods, slices: first.apply });
    assert!(second.apply.is_empty() && second.delete.is_empty());
}

#[test]
fn pods_with_other_numbers_for_a_named_port_get_a_slice_of_their_own() {
    let pods = vec![pod("a", "10.244.0.2", true, 8080, false), pod("b", "10.244.0.3", true, 9090, false)];
    let both = plan(&Observed { service: service(json!("http")), pods, slices: vec![] });
    let ports: Vec<_> = both.apply.iter().map(|it| it.ports.as_ref().unwrap()[0].port).collect();
    assert_eq!(ports, [Some(8080), Some(9090)]);
    let pods = vec![pod("a", "10.244.0.2", true, 8080, false)];
    let one = plan(&Observed { service: service(json!("http")), pods, slices: both.apply });
    assert_eq!(one.delete.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), ["web-1"]);
}

#[test]
fn more_endpoints_than_a_slice_holds_are_spread_over_several() {
    let pods = (0..250).map(|it| pod(&format!("p{it}"), &format!("10.244.1.{it}"), true, 1, false)).collect();
    let plan = plan(&Observed { service: service(json!(1)), pods, slices: vec![] });
    let sizes: Vec<_> = plan.apply.iter().map(|it| it.endpoints.len()).collect();
    assert_eq!(sizes, [100, 100, 50]);
}

#[test]
fn a_service_without_pods_has_one_empty_slice() {
    let plan = plan(&Observed { service: service(json!(1)), pods: vec![], slices: vec![] });
    assert_eq!(plan.apply.len(), 1);
    assert!(plan.apply[0].endpoints.is_empty());
}

#[test]
fn a_pod_has_a_name_of_its_own_under_the_service_it_says_it_belongs_to() {
    let mut headless = service(json!(80));
    headless.spec.as_mut().unwrap().cluster_ip = Some("None".into());
    let named = |subdomain: &str, hostname: &str| {
        let mut it = pod("a", "10.244.0.2", true, 8080, false);
        let spec = it.spec.as_mut().unwrap();
        (spec.subdomain, spec.hostname) = (Some(subdomain.into()), Some(hostname.into()));
        it
    };
    for (pod, wanted) in [
        (named("web", "web-0"), Some("web-0")),
        (named("other", "web-0"), None),
        (named("web", ""), None),
        (pod("a", "10.244.0.2", true, 8080, false), None),
    ] {
        let plan = plan(&Observed { service: headless.clone(), pods: vec![pod], slices: vec![] });
        assert_eq!(plan.apply[0].endpoints[0].hostname.as_deref(), wanted);
        assert_eq!(plan.apply[0].labels()[LABEL_HEADLESS], "");
    }
}
