//! The index against an evaluator that knows nothing of indexes: it reads the objects anew for each question.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::*;
use crate::authorization::Attributes;

const VERBS: [&str; 4] = ["get", "list", "create", "*"];
const GROUPS: [&str; 4] = ["", "apps", "fairy.dev", "*"];
const RESOURCES: [&str; 8] =
    ["pods", "pods/log", "deployments", "deployments/scale", "*/scale", "*/log", "ledgers", "*"];
const NAMES: [&str; 2] = ["web", "db"];
const URLS: [&str; 4] = ["/healthz", "/api/*", "/metrics", "*"];
const ROLES_NAMED: [&str; 4] = ["r0", "r1", "r2", "r3"];
const PLACES: [&str; 3] = ["", "one", "two"];

fn list(of: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(of, 0..=most)
}

fn rule() -> impl Strategy<Value = Value> {
    (list(&VERBS, 2), list(&GROUPS, 2), list(&RESOURCES, 3), list(&NAMES, 1), list(&URLS, 1)).prop_map(
        |(verbs, groups, resources, names, urls)| {
            json!({ "verbs": verbs, "apiGroups": groups, "resources": resources, "resourceNames": names,
                "nonResourceURLs": urls })
        },
    )
}

fn role() -> impl Strategy<Value = Stored> {
    let aggregation = prop_oneof![3 => Just(None), 1 => select(&NAMES[..]).prop_map(Some)];
    let label = prop_oneof![1 => Just(None), 1 => select(&NAMES[..]).prop_map(Some)];
    (select(&PLACES[..]), select(&ROLES_NAMED[..]), prop::collection::vec(rule(), 0..3), aggregation, label).prop_map(
        |(place, name, rules, aggregation, label)| {
            let mut body = json!({ "metadata": { "name": name }, "rules": rules });
            if let Some(value) = aggregation {
                body["aggregationRule"] = json!({ "clusterRoleSelectors": [{ "matchLabels": { "to": value } }] });
            }
            stored(if place.is_empty() { CLUSTER_ROLES } else { ROLES }, place, name, &body, label)
        },
    )
}

fn subject() -> impl Strategy<Value = Value> {
    prop_oneof![
        select(&["ann", "bob", "system:serviceaccount:one:robot"][..])
            .prop_map(|it| json!({ "kind": "User", "name": it })),
        select(&["dev", "system:serviceaccounts:one"][..]).prop_map(|it| json!({ "kind": "Group", "name": it })),
        select(&["", "one", "two"][..])
            .prop_map(|it| json!({ "kind": "ServiceAccount", "name": "robot", "namespace": it })),
        Just(json!({ "kind": "Nonsense", "name": "ann" })),
    ]
}

fn binding() -> impl Strategy<Value = Stored> {
    let kind = select(&["ClusterRole", "Role"][..]);
    let subjects = prop::collection::vec(subject(), 0..3);
    (select(&PLACES[..]), select(&["b0", "b1", "b2"][..]), kind, select(&ROLES_NAMED[..]), subjects).prop_map(
        |(place, name, kind, role, subjects)| {
            let body = json!({ "metadata": { "name": name }, "subjects": subjects,
                "roleRef": { "apiGroup": GROUP, "kind": kind, "name": role } });
            stored(if place.is_empty() { CLUSTER_ROLE_BINDINGS } else { ROLE_BINDINGS }, place, name, &body, None)
        },
    )
}

fn stored(resource: &str, place: &str, name: &str, body: &Value, label: Option<&str>) -> Stored {
    let labels: Vec<(Box<str>, Box<str>)> = label.map(|it| ("to".into(), it.into())).into_iter().collect();
    let value = body.to_string().into();
    Stored { key: Key::new(resource, place, name), revision: 1, value, labels: labels.into() }
}

/// The objects in force: a later one replaces an earlier one of its name.
fn in_force(objects: &[Stored]) -> Vec<(Key, Value, Option<String>)> {
    let mut last: Vec<(Key, Value, Option<String>)> = Vec::new();
    for object in objects {
        last.retain(|it| it.0 != object.key);
        let label = object.labels.first().map(|it| it.1.to_string());
        last.push((object.key.clone(), serde_json::from_slice(&object.value).unwrap(), label));
    }
    last
}

fn strings<'a>(value: &'a Value, field: &str) -> Vec<&'a str> {
    value[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What the documentation of RBAC says, word by word.
fn naive(objects: &[(Key, Value, Option<String>)], who: &Identity, asked: &Attributes<'_>) -> bool {
    let rule_allows = |rule: &Value| {
        let verb = strings(rule, "verbs").iter().any(|it| *it == "*" || *it == asked.verb);
        if !asked.is_resource {
            let url =
                |it: &&str| *it == "*" || *it == asked.path || (*it == "/api/*" && asked.path.starts_with("/api/"));
            return verb && strings(rule, "nonResourceURLs").iter().any(url);
        }
        let full = [asked.resource, asked.subresource].join("/");
        let full = full.trim_end_matches('/');
        let any = format!("*/{}", asked.subresource);
        let resource = |it: &&str| *it == "*" || *it == full || (!asked.subresource.is_empty() && *it == any);
        let names = strings(rule, "resourceNames");
        verb && strings(rule, "apiGroups").iter().any(|it| *it == "*" || *it == asked.group)
            && strings(rule, "resources").iter().any(resource)
            && (names.is_empty() || names.contains(&asked.name))
    };
    let mut allowed_by: Vec<(String, String)> = Vec::new();
    for (key, role, _) in objects.iter().filter(|it| it.1.get("rules").is_some()) {
        let selector = role["aggregationRule"]["clusterRoleSelectors"][0]["matchLabels"]["to"].as_str();
        let allows = match selector.filter(|_| key.namespace.is_empty()) {
            None => role["rules"].as_array().unwrap().iter().any(rule_allows),
            Some(_) => reachable(objects, &key.name)
                .iter()
                .any(|role| role["rules"].as_array().unwrap().iter().any(rule_allows)),
        };
        if allows {
            allowed_by.push((key.namespace.to_string(), key.name.to_string()));
        }
    }
    objects.iter().filter(|it| it.1.get("roleRef").is_some()).any(|(key, binding, _)| {
        let place = &*key.namespace;
        let here = place.is_empty() || place == asked.namespace;
        let home = if binding["roleRef"]["kind"] == "ClusterRole" { "" } else { place };
        let kept = binding["roleRef"]["kind"] == "ClusterRole" || !place.is_empty();
        let role = (home.to_owned(), binding["roleRef"]["name"].as_str().unwrap().to_owned());
        let named = binding["subjects"].as_array().unwrap().iter().any(|it| {
            let name = it["name"].as_str().unwrap();
            match it["kind"].as_str().unwrap() {
                "User" => who.user == name,
                "Group" => who.groups.iter().any(|group| group == name),
                "ServiceAccount" => {
                    let own = it["namespace"].as_str().unwrap();
                    let home = if own.is_empty() { place } else { own };
                    !home.is_empty() && who.user == format!("system:serviceaccount:{home}:{name}")
                }
                _ => false,
            }
        });
        here && kept && named && allowed_by.contains(&role)
    })
}

/// The plain cluster roles that an aggregated one selects, over any number of aggregated ones between.
fn reachable(objects: &[(Key, Value, Option<String>)], start: &str) -> Vec<Value> {
    let cluster: Vec<_> = objects.iter().filter(|it| &*it.0.resource == CLUSTER_ROLES).collect();
    let mut names = vec![start.to_owned()];
    for _ in 0..=cluster.len() {
        for (key, role, _) in &cluster {
            if !names.iter().any(|it| **it == *key.name) {
                continue;
            }
            let Some(wanted) = role["aggregationRule"]["clusterRoleSelectors"][0]["matchLabels"]["to"].as_str() else {
                continue;
            };
            let more = cluster.iter().filter(|it| it.2.as_deref() == Some(wanted)).map(|it| it.0.name.to_string());
            names.extend(more.collect::<Vec<_>>());
        }
    }
    let plain = cluster.iter().filter(|it| it.1.get("aggregationRule").is_none());
    plain.filter(|it| names.iter().any(|name| **name == *it.0.name)).map(|it| it.1.clone()).collect()
}

fn questions() -> Vec<Attributes<'static>> {
    let mut all = Vec::new();
    for namespace in ["", "one", "two"] {
        for verb in ["get", "create", "bind"] {
            for (group, resource, subresource) in
                [("", "pods", ""), ("", "pods", "log"), ("apps", "deployments", "scale"), ("fairy.dev", "ledgers", "")]
            {
                for name in ["", "web"] {
                    let base = Attributes { verb, group, resource, subresource, ..Attributes::default() };
                    all.push(Attributes { namespace, name, is_resource: true, ..base });
                }
            }
        }
    }
    let path = |path| Attributes { verb: "get", path, ..Attributes::default() };
    all.extend(["/healthz", "/api/v1", "/api", "/other"].map(path));
    all
}

fn people() -> Vec<Identity> {
    let user = |name: &str, groups: &[&str]| Identity {
        user: name.into(),
        groups: groups.iter().map(ToString::to_string).collect(),
        ..Identity::default()
    };
    vec![
        user("ann", &[]),
        user("bob", &["dev", "other"]),
        Identity::service_account("one", "robot"),
        Identity::service_account("two", "robot"),
        Identity::anonymous(),
    ]
}

fn allows(index: &Index, who: &Identity, asked: &Attributes<'_>) -> bool {
    let mut allowed = false;
    index.visit(who, asked.namespace, &mut |visit| {
        if let Visit::Rules(rules, _) = visit {
            allowed = rules.iter().any(|it| it.allows(asked));
        }
        !allowed
    });
    allowed
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_decides_as_the_naive_evaluator_does(
        roles in prop::collection::vec(role(), 1..7),
        bindings in prop::collection::vec(binding(), 1..7),
        gone in subsequence((0..12).collect::<Vec<usize>>(), 0..3),
        bindings_first in any::<bool>(),
    ) {
        let mut objects = if bindings_first { [bindings, roles].concat() } else { [roles, bindings].concat() };
        let mut index = Index::default();
        for it in &objects {
            index.put(it);
        }
        let removed: Vec<Key> = gone.iter().filter_map(|it| objects.get(*it)).map(|it| it.key.clone()).collect();
        for it in &removed {
            index.remove(it);
        }
        objects.retain(|it| !removed.contains(&it.key));
        let objects = in_force(&objects);
        for who in people() {
            for asked in questions() {
                prop_assert_eq!(allows(&index, &who, &asked), naive(&objects, &who, &asked), "{} {:?}", who.user, asked);
            }
        }
    }
}

#[test]
fn an_object_that_cannot_be_read_gives_no_rights_and_harms_no_other() {
    let mut index = Index::default();
    let everything = json!({ "rules": [{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }] });
    index.put(&stored(CLUSTER_ROLES, "", "good", &everything, None));
    index.put(&stored(CLUSTER_ROLES, "", "bad", &json!({ "rules": "all" }), None));
    let bind = |role: &str| json!({ "roleRef": { "kind": "ClusterRole", "name": role }, "subjects": [{ "kind": "User", "name": role }] });
    index.put(&stored(CLUSTER_ROLE_BINDINGS, "", "good", &bind("good"), None));
    index.put(&stored(CLUSTER_ROLE_BINDINGS, "", "bad", &bind("bad"), None));
    index.put(&stored(CLUSTER_ROLE_BINDINGS, "", "worse", &json!([1, 2]), None));
    let asked = Attributes { verb: "get", resource: "pods", is_resource: true, ..Attributes::default() };
    let user = |name: &str| Identity { user: name.into(), ..Identity::default() };
    assert!(allows(&index, &user("good"), &asked));
    assert!(!allows(&index, &user("bad"), &asked));
}
