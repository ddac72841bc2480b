use serde_json::{Value, json};

use crate::Resource;
use crate::kinds::{builtin, default, normalize, prepare_create, prepare_update, validate_create, validate_update};

fn resource(plural: &str) -> Resource {
    builtin().into_iter().find(|it| &*it.plural == plural).expect("a resource")
}

/// An object as the server holds it before it validates.
fn prepared(plural: &str, mut object: Value) -> (Resource, Value) {
    let resource = resource(plural);
    normalize(&resource, &mut object).expect("well formed");
    default(&resource, &mut object);
    let metadata = object["metadata"].as_object_mut().expect("metadata");
    metadata.entry("name").or_insert(json!("a"));
    if resource.namespaced {
        metadata.entry("namespace").or_insert(json!("n"));
    }
    (resource, object)
}

fn wrong(plural: &str, object: Value) -> Vec<String> {
    let (resource, object) = prepared(plural, object);
    validate_create(&resource, &object).iter().map(ToString::to_string).collect()
}

/// What is wrong with turning one object into another on the main endpoint.
fn wrong_change(plural: &str, old: Value, new: Value) -> Vec<String> {
    let (resource, old) = prepared(plural, old);
    let (_, mut new) = prepared(plural, new);
    prepare_update(&resource, None, &mut new, &old);
    validate_update(&resource, None, &new, &old).iter().map(ToString::to_string).collect()
}

fn pod(container: Value) -> Value {
    let mut full = json!({ "name": "c", "image": "i" });
    for (key, value) in container.as_object().expect("an object") {
        full[key] = value.clone();
    }
    json!({ "metadata": {}, "spec": { "containers": [full], "volumes": [{ "name": "v" }] } })
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn containers_are_checked_field_by_field() {
    let table = [
        (json!({}), vec![]),
        (json!({ "name": "" }), vec!["spec.containers[0].name: Required value"]),
        (json!({ "image": "" }), vec!["spec.containers[0].image: Required value"]),
        (
            json!({ "image": " i" }),
            vec!["spec.containers[0].image: Invalid value: \" i\": must not have leading or trailing whitespace"],
        ),
        (
            json!({ "imagePullPolicy": "Sometimes" }),
            vec![
                "spec.containers[0].imagePullPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"IfNotPresent\", \"Never\"",
            ],
        ),
        (
            json!({ "ports": [{ "containerPort": 0 }, { "containerPort": 80, "name": "a" }, { "containerPort": 81, "name": "a" }] }),
            vec![
                "spec.containers[0].ports[0].containerPort: Required value",
                "spec.containers[0].ports[2].name: Duplicate value: \"a\"",
            ],
        ),
        (
            json!({ "env": [{ "name": "A=B", "value": "" }, { "name": "X", "valueFrom": {} }] }),
            vec![
                "spec.containers[0].env[0].name: Invalid value: \"A=B\": a valid environment variable name must consist only of printable ASCII characters other than '='",
                "spec.containers[0].env[1].valueFrom: Invalid value: \"\": must specify one of: `configMapKeyRef`, `fieldRef`, `resourceFieldRef` or `secretKeyRef`",
            ],
        ),
        (
            json!({ "env": [{ "name": "X", "valueFrom": { "fieldRef": { "fieldPath": "spec.nope" } } }] }),
            vec![
                "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"spec.nope\": error converting fieldPath: field label not supported: spec.nope",
            ],
        ),
        (
            json!({ "env": [{ "name": "X", "valueFrom": { "fieldRef": { "fieldPath": "metadata.labels['a']" } } }] }),
            vec![],
        ),
        (
            json!({ "volumeMounts": [{ "name": "v", "mountPath": "/a" }, { "name": "v", "mountPath": "/a", "subPath": "../x" }] }),
            vec![
                "spec.containers[0].volumeMounts[1].mountPath: Invalid value: \"/a\": must be unique",
                "spec.containers[0].volumeMounts[1].subPath: Invalid value: \"../x\": must not contain '..'",
            ],
        ),
        (
            json!({ "resources": { "limits": { "memory": "-1" } } }),
            vec![
                "spec.containers[0].resources.limits[memory]: Invalid value: \"-1\": must be greater than or equal to 0",
                "spec.containers[0].resources.requests[memory]: Invalid value: \"-1\": must be greater than or equal to 0",
            ],
        ),
        (
            json!({ "livenessProbe": {} }),
            vec!["spec.containers[0].livenessProbe: Required value: must specify a handler type"],
        ),
        (
            json!({ "livenessProbe": { "exec": { "command": ["x"] }, "successThreshold": 2 } }),
            vec!["spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"],
        ),
        (
            json!({ "readinessProbe": { "httpGet": { "port": "no port" }, "tcpSocket": { "port": 1 } } }),
            vec![
                "spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
                "spec.containers[0].readinessProbe.httpGet.port: Invalid value: \"no port\": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
            ],
        ),
        (
            json!({ "securityContext": { "runAsUser": -1 } }),
            vec![
                "spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
            ],
        ),
    ];
    for (container, expected) in table {
        assert_eq!(wrong("pods", pod(container.clone())), expected, "{container}");
    }
}

#[test]
fn volumes_have_one_source_each() {
    let volumes = |list: Value| {
        wrong(
            "pods",
            json!({ "metadata": {}, "spec": { "containers": [{ "name": "c", "image": "i" }], "volumes": list } }),
        )
    };
    assert!(volumes(json!([{ "name": "v" }])).is_empty(), "a volume without source is an emptyDir");
    assert_eq!(volumes(json!([{ "name": "v" }, { "name": "v" }])), ["spec.volumes[1].name: Duplicate value: \"v\""]);
    assert_eq!(
        volumes(json!([{ "name": "v", "emptyDir": {}, "secret": { "secretName": "s" } }])),
        ["spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type"]
    );
    assert_eq!(volumes(json!([{ "name": "v", "secret": {} }])), ["spec.volumes[0].secret.secretName: Required value"]);
    assert_eq!(
        volumes(json!([{ "name": "v", "configMap": { "name": "m", "items": [{ "key": "k", "path": "/x" }] } }])),
        ["spec.volumes[0].configMap.items[0].path: Invalid value: \"/x\": must be a relative path"]
    );
}

#[test]
fn a_stateful_set_mounts_its_claims_like_volumes() {
    let set = |mount: &str| {
        let container = json!({ "name": "c", "image": "i", "volumeMounts": [{ "name": mount, "mountPath": "/data" }] });
        let template = json!({ "metadata": { "labels": { "a": "b" } }, "spec": { "containers": [container] } });
        let claims = json!([{ "metadata": { "name": "data" }, "spec": { "accessModes": ["ReadWriteOnce"] } }]);
        let selector = json!({ "matchLabels": { "a": "b" } });
        wrong(
            "statefulsets",
            json!({ "spec": { "selector": selector, "template": template, "volumeClaimTemplates": claims } }),
        )
    };
    assert!(set("data").is_empty(), "{:?}", set("data"));
    let said = "spec.template.spec.containers[0].volumeMounts[0].name: Not found: \"date\"";
    assert_eq!(set("date"), [said]);
}

#[test]
fn a_pod_changes_its_images_and_little_else() {
    let old = pod(json!({}));
    let mut image = old.clone();
    image["spec"]["containers"][0]["image"] = json!("other:1");
    image["spec"]["containers"][0]["imagePullPolicy"] = json!("Always");
    assert!(wrong_change("pods", old.clone(), image).is_empty());
    let mut command = old.clone();
    command["spec"]["containers"][0]["command"] = json!(["x"]);
    let said = wrong_change("pods", old.clone(), command);
    assert!(said[0].starts_with("spec: Forbidden: pod updates may not change fields other than"), "{said:?}");
    let mut more = old.clone();
    more["spec"]["containers"] = json!([{ "name": "c", "image": "i" }, { "name": "d", "image": "i" }]);
    assert_eq!(
        wrong_change("pods", old, more),
        ["spec.containers: Forbidden: pod updates may not add or remove containers"]
    );
}

fn deployment(strategy: Value) -> Value {
    json!({ "metadata": {}, "spec": {
        "selector": { "matchLabels": { "app": "a" } }, "strategy": strategy,
        "template": { "metadata": { "labels": { "app": "a" } }, "spec": { "containers": [{ "name": "c", "image": "i" }] } },
    } })
}

#[test]
fn a_rolling_update_must_be_able_to_move() {
    let rolling = |lost: Value, extra: Value| {
        let strategy = json!({ "rollingUpdate": { "maxUnavailable": lost, "maxSurge": extra } });
        wrong("deployments", deployment(strategy))
    };
    assert!(rolling(json!(0), json!(1)).is_empty());
    assert!(rolling(json!("50%"), json!("0%")).is_empty());
    let stuck = "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0";
    assert_eq!(rolling(json!(0), json!(0)), [stuck]);
    assert!(rolling(json!("x%"), json!(1))[0].contains("a valid percent string"));
    assert!(rolling(json!("101%"), json!(1))[0].ends_with("must not be greater than 100%"));
}

#[test]
fn a_cron_job_has_a_schedule_and_a_time_zone_that_exist() {
    let cron = |name: &str, schedule: &str, zone: Value| {
        let template = json!({ "spec": { "restartPolicy": "Never", "containers": [{ "name": "c", "image": "i" }] } });
        let spec =
            json!({ "schedule": schedule, "timeZone": zone, "jobTemplate": { "spec": { "template": template } } });
        wrong("cronjobs", json!({ "metadata": { "name": name }, "spec": spec }))
    };
    assert_eq!(cron("a", "* * * * *", json!("Europe/Berlin")), Vec::<String>::new());
    let long = "a".repeat(53);
    for (name, schedule, zone, wanted) in [
        ("a", "", Value::Null, "spec.schedule: Required value".to_owned()),
        ("a", "* * *", Value::Null, "expected exactly 5 fields, found 3: [* * *]".to_owned()),
        (
            "a",
            "TZ=UTC * * * * *",
            Value::Null,
            "cannot use TZ or CRON_TZ in schedule, use timeZone field instead".to_owned(),
        ),
        (
            "a",
            "@daily",
            json!("Mars/Base"),
            "spec.timeZone: Invalid value: \"Mars/Base\": unknown time zone Mars/Base".to_owned(),
        ),
        ("a", "@daily", json!("Local"), "timeZone must be an explicit time zone".to_owned()),
        ("a", "@daily", json!(""), "timeZone must be nil or non-empty string".to_owned()),
        (
            &long,
            "@daily",
            Value::Null,
            format!("metadata.name: Invalid value: \"{long}\": must be no more than 52 characters"),
        ),
    ] {
        let told = cron(name, schedule, zone);
        assert!(told.len() == 1 && told[0].contains(&wanted), "{wanted}: {told:?}");
    }
}

#[test]
fn a_bound_claim_grows_and_changes_in_nothing_else() {
    let claim = |size: &str, mode: &str, phase: &str| {
        let spec = json!({ "accessModes": [mode], "resources": { "requests": { "storage": size } } });
        json!({ "spec": spec, "status": { "phase": phase, "capacity": { "storage": "2Gi" } } })
    };
    let once = "ReadWriteOnce";
    let fixed = "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    let small = "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity";
    for (what, size, mode, phase, wanted) in [
        ("it grows", "3Gi", once, "Bound", vec![]),
        ("not before it is bound", "3Gi", once, "Pending", vec![fixed]),
        ("it does not shrink", "2000Mi", once, "Bound", vec![small]),
        ("the same in other words", "2048Mi", once, "Bound", vec![]),
        ("another mode", "2Gi", "ReadWriteMany", "Bound", vec![fixed]),
    ] {
        assert_eq!(
            wrong_change("persistentvolumeclaims", claim("2Gi", once, phase), claim(size, mode, phase)),
            wanted,
            "{what}"
        );
    }
    // What grew and did not come through may be taken back, but not below what is there.
    let grew = claim("9Gi", once, "Bound");
    assert_eq!(wrong_change("persistentvolumeclaims", grew.clone(), claim("3Gi", once, "Bound")), Vec::<String>::new());
    assert_eq!(wrong_change("persistentvolumeclaims", grew, claim("2Gi", once, "Bound")), [small]);
    // Whoever binds it names its volume.
    let mut named = claim("2Gi", once, "Pending");
    named["spec"]["volumeName"] = json!("pvc-1");
    assert_eq!(wrong_change("persistentvolumeclaims", claim("2Gi", once, "Pending"), named), Vec::<String>::new());
}

#[test]
fn a_selector_stays_what_it_was() {
    let mut other = deployment(json!({}));
    other["spec"]["selector"]["matchLabels"]["b"] = json!("c");
    other["spec"]["template"]["metadata"]["labels"]["b"] = json!("c");
    assert_eq!(
        wrong_change("deployments", deployment(json!({})), other),
        ["spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"a\",\"b\":\"c\"}}: field is immutable"]
    );
    let mut empty = deployment(json!({}));
    empty["spec"]["selector"] = json!({});
    assert_eq!(
        wrong("deployments", empty),
        ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"]
    );
}

#[test]
fn a_service_keeps_its_address() {
    let service = |address: Option<&str>| {
        let mut spec = json!({ "ports": [{ "port": 80 }] });
        if let Some(address) = address {
            spec["clusterIP"] = json!(address);
        }
        json!({ "metadata": {}, "spec": spec })
    };
    assert!(wrong_change("services", service(Some("10.0.0.1")), service(None)).is_empty());
    assert_eq!(
        wrong_change("services", service(Some("10.0.0.1")), service(Some("10.0.0.2"))),
        ["spec.clusterIPs[0]: Invalid value: \"10.0.0.2\": may not change once set"]
    );
    assert_eq!(
        wrong("services", service(Some("nope"))),
        ["spec.clusterIPs[0]: Invalid value: \"nope\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]
    );
}

#[test]
fn sealed_configuration_stays_as_it_is() {
    for plural in ["configmaps", "secrets"] {
        let sealed = json!({ "metadata": {}, "immutable": true, "data": { "a": "Yg==" } });
        let mut changed = sealed.clone();
        changed["data"]["a"] = json!("Yw==");
        let said = wrong_change(plural, sealed.clone(), changed);
        assert_eq!(said, ["data: Forbidden: field is immutable when `immutable` is set"], "{plural}");
        let mut opened = sealed.clone();
        opened["immutable"] = json!(false);
        let said = wrong_change(plural, sealed, opened);
        assert_eq!(said, ["immutable: Forbidden: field is immutable when `immutable` is set"], "{plural}");
    }
    let large = json!({ "metadata": {}, "data": { "a": "x".repeat(1024 * 1024 + 1) } });
    assert_eq!(wrong("configmaps", large), [": Too long: may not be more than 1048576 bytes"]);
}

#[test]
fn secrets_hold_what_their_type_promises() {
    let secret =
        |kind: &str, data: Value| wrong("secrets", json!({ "metadata": {}, "type": kind, "stringData": data }));
    assert_eq!(secret("kubernetes.io/tls", json!({ "tls.crt": "x" })), ["data[tls.key]: Required value"]);
    assert!(secret("kubernetes.io/basic-auth", json!({ "username": "x" })).is_empty());
    assert_eq!(secret("kubernetes.io/dockerconfigjson", json!({ ".dockerconfigjson": "{" })).len(), 1);
    assert!(secret("my.org/own", json!({})).is_empty());
}

#[test]
fn rules_are_about_resources_or_about_urls() {
    let rules = |plural: &str, rule: Value| wrong(plural, json!({ "metadata": {}, "rules": [rule] }));
    assert_eq!(
        rules("roles", json!({ "verbs": ["get"], "nonResourceURLs": ["/x"] })),
        ["rules[0].nonResourceURLs: Invalid value: [\"/x\"]: namespaced rules cannot apply to non-resource URLs"]
    );
    assert_eq!(
        rules("clusterroles", json!({ "apiGroups": [""] })),
        [
            "rules[0].verbs: Required value: verbs must contain at least one value",
            "rules[0].resources: Required value: resource rules must supply at least one resource",
        ]
    );
}

#[test]
fn a_binding_keeps_its_role_and_names_subjects_of_known_kinds() {
    let binding = |role: &str, subject: Value| json!({ "metadata": {}, "roleRef": { "kind": "ClusterRole", "name": role }, "subjects": [subject] });
    let user = json!({ "kind": "User", "name": "u" });
    assert_eq!(
        wrong_change("rolebindings", binding("a", user.clone()), binding("b", user)),
        [
            "roleRef: Invalid value: {\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"ClusterRole\",\"name\":\"b\"}: cannot change roleRef"
        ]
    );
    let account = json!({ "kind": "ServiceAccount", "name": "s" });
    assert_eq!(wrong("clusterrolebindings", binding("a", account)), ["subjects[0].namespace: Required value"]);
    let robot = json!({ "kind": "Robot", "name": "r" });
    assert_eq!(
        wrong("rolebindings", binding("a", robot)),
        ["subjects[0].kind: Unsupported value: \"Robot\": supported values: \"ServiceAccount\", \"User\", \"Group\""]
    );
}

#[test]
fn the_smaller_kinds_have_their_rules_too() {
    let table = [
        (
            "leases",
            json!({ "spec": { "leaseDurationSeconds": 0 } }),
            "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
        ),
        (
            "endpointslices",
            json!({ "addressType": "IPv4", "endpoints": [{ "addresses": ["127.0.0.1"] }] }),
            "may not be in the loopback range",
        ),
        ("endpointslices", json!({ "addressType": "X", "endpoints": [] }), "addressType: Unsupported value: \"X\""),
        (
            "networkpolicies",
            json!({ "spec": { "podSelector": {}, "ingress": [{ "from": [{}] }] } }),
            "spec.ingress[0].from[0]: Required value: must specify a peer",
        ),
        (
            "networkpolicies",
            json!({ "spec": { "podSelector": {}, "ingress": [{ "from": [{ "ipBlock": { "cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"] } }] }] } }),
            "must be a strict subset of `cidr`: 10.0.0.0/8",
        ),
        (
            "events",
            json!({ "involvedObject": { "namespace": "other" } }),
            "involvedObject.namespace: Invalid value: \"other\": does not match event.namespace",
        ),
        ("ingresses", json!({ "spec": {} }), "either `defaultBackend` or `rules` must be specified"),
        ("storageclasses", json!({}), "provisioner: Required value"),
        ("poddisruptionbudgets", json!({ "spec": { "minAvailable": 1, "maxUnavailable": 1 } }), "cannot be both set"),
        (
            "persistentvolumeclaims",
            json!({ "spec": {} }),
            "spec.accessModes: Required value: at least 1 access mode is required",
        ),
    ];
    for (plural, mut object, expected) in table {
        object["metadata"] = json!({});
        let said = wrong(plural, object);
        assert!(said.iter().any(|it| it.contains(expected)), "{plural}: {said:?} lacks {expected:?}");
    }
}

#[test]
fn metadata_keeps_who_an_object_is() {
    let map = |metadata: Value| json!({ "metadata": metadata });
    assert_eq!(wrong("configmaps", map(json!({ "generateName": "Bad-" }))).len(), 1);
    assert!(wrong("namespaces", map(json!({ "name": "a.b" })))[0].contains("RFC 1123 label"));
    assert!(wrong("nodes", map(json!({ "name": "n", "namespace": "x" })))[0].contains("not allowed on this type"));
    let two = json!([
        { "apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "1", "controller": true },
        { "apiVersion": "v1", "kind": "Pod", "name": "q", "uid": "2", "controller": true },
    ]);
    assert!(wrong("configmaps", map(json!({ "ownerReferences": two })))[0].contains("for p and q"));
    let event = json!([{ "apiVersion": "v1", "kind": "Event", "name": "p", "uid": "1" }]);
    assert!(
        wrong("configmaps", map(json!({ "ownerReferences": event })))[0].contains("disallowed from being an owner")
    );
    let leaving = map(json!({ "name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x/a"] }));
    let more = map(json!({ "name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x/a", "x/b"] }));
    assert_eq!(
        wrong_change("configmaps", leaving, more),
        [
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{\"x/b\"}"
        ]
    );
    let renamed = wrong_change("configmaps", map(json!({ "uid": "1" })), map(json!({ "uid": "2" })));
    assert_eq!(renamed, ["metadata.uid: Invalid value: \"2\": field is immutable"]);
}

#[test]
fn no_json_makes_validation_panic() {
    let junk = [json!(null), json!(1), json!("x"), json!([]), json!([null, 1, {}]), json!({ "a": null })];
    for resource in builtin() {
        for fields in
            [&["spec"][..], &["data", "type", "rules", "subjects", "roleRef", "endpoints", "ports", "subsets"][..]]
        {
            for it in &junk {
                let mut object = json!({ "metadata": it });
                for field in fields {
                    object[*field] = it.clone();
                }
                let mut decoded = object.clone();
                if normalize(&resource, &mut decoded).is_ok() {
                    default(&resource, &mut decoded);
                    let mut new = decoded.clone();
                    prepare_create(&resource, &mut new, jiff::Timestamp::UNIX_EPOCH);
                    for endpoint in [None, Some("status"), Some("finalize")] {
                        prepare_update(&resource, endpoint, &mut decoded.clone(), &new);
                    }
                    let _ = validate_update(&resource, None, &decoded, &new);
                }
                let _ = validate_create(&resource, &object);
                let _ = validate_update(&resource, None, &object, &json!({}));
                let _ = crate::kinds::cells(&resource, &object, jiff::Timestamp::UNIX_EPOCH);
            }
        }
    }
}
