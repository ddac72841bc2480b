use super::*;

/// What `platform why` looks at, by group and resource.
const LOOKED_AT: [(&str, &str); 10] = [
    ("", "pods"),
    ("", "pods/log"),
    ("", "events"),
    ("", "services"),
    ("", "configmaps"),
    ("", "resourcequotas"),
    ("apps", "replicasets"),
    ("discovery.k8s.io", "endpointslices"),
    ("fairway.dev", "deliveries"),
    ("fairway.dev", "resources"),
];

#[test]
fn a_developer_may_read_all_that_why_looks_at_and_no_secret() {
    let roles = roles();
    let developer = roles.iter().find(|it| it["metadata"]["name"] == DEVELOPER).unwrap();
    let rules = developer["rules"].as_array().unwrap();
    let has = |list: &Value, wanted: &str| list.as_array().unwrap().iter().any(|it| it == wanted);
    let may = |group: &str, resource: &str| {
        rules.iter().any(|it| {
            has(&it["apiGroups"], group)
                && has(&it["resources"], resource)
                && has(&it["verbs"], "get")
                && has(&it["verbs"], "list")
        })
    };
    for (group, resource) in LOOKED_AT {
        assert!(may(group, resource), "{group}/{resource}");
    }
    assert!(!may("", "secrets"));
}
