use serde_json::{Value, json};

use super::*;

type Actor = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);
/// From, to, port, allowed.
type Expected = (&'static str, &'static str, u16, bool);

/// The cast: namespace, name, address, labels. `web` names its port 8080 `http`.
const PODS: [Actor; 6] = [
    ("shop", "web", "10.244.0.10", &[("app", "web"), ("tier", "front")]),
    ("shop", "api", "10.244.0.11", &[("app", "api"), ("tier", "back")]),
    ("shop", "db", "10.244.0.12", &[("app", "db"), ("tier", "back")]),
    ("monitoring", "prom", "10.244.1.10", &[("app", "prometheus")]),
    ("monitoring", "other", "10.244.1.11", &[("app", "other")]),
    ("evil", "web", "10.244.2.10", &[("app", "web"), ("tier", "front")]),
];

struct Cast {
    labels: Vec<Labels>,
    ports: Vec<(String, u16)>,
    namespaces: BTreeMap<String, Labels>,
    policies: BTreeMap<String, Vec<Policy>>,
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn policy(namespace: &str, name: &str, spec: &Value) -> Policy {
    Policy::read(
        &serde_json::from_value(json!({ "metadata": { "namespace": namespace, "name": name }, "spec": spec })).unwrap(),
    )
}

impl Cast {
    /// Policies of namespace `shop`, named `p0`, `p1` …
    fn with(specs: &[Value]) -> Self {
        let policies = specs.iter().enumerate().map(|(at, spec)| policy("shop", &format!("p{at}"), spec)).collect();
        let namespace = |name: &str, more: &[(&str, &str)]| {
            let mut all = labels(more);
            all.insert("kubernetes.io/metadata.name".into(), name.into());
            (name.to_owned(), all)
        };
        let namespaces =
            [namespace("shop", &[]), namespace("monitoring", &[("purpose", "ops")]), namespace("evil", &[])];
        Self {
            labels: PODS.iter().map(|it| labels(it.3)).collect(),
            ports: vec![("http".into(), 8080)],
            namespaces: BTreeMap::from(namespaces),
            policies: BTreeMap::from([("shop".into(), policies)]),
        }
    }

    fn party(&self, who: &str) -> Party<'_> {
        let at = PODS.iter().position(|it| format!("{}/{}", it.0, it.1) == who).unwrap();
        let named_ports = if PODS[at].1 == "web" { self.ports.as_slice() } else { &[] };
        Party { address: PODS[at].2.parse().unwrap(), namespace: PODS[at].0, labels: &self.labels[at], named_ports }
    }

    fn judge(&self, from: &str, to: &str, port: u16) -> Result<(), Denied> {
        judge(&self.policies, &self.namespaces, &self.party(from), &self.party(to), port)
    }

    /// `from to port` → whether it is allowed.
    fn expect(&self, case: &str, expected: &[Expected]) {
        for (from, to, port, allowed) in expected {
            let judged = self.judge(from, to, *port);
            assert_eq!(judged.is_ok(), *allowed, "{case}: {from} to {to}:{port} gave {judged:?}");
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn the_well_known_recipes_do_what_they_say() {
    let app = |it: &str| json!({ "matchLabels": { "app": it } });
    let recipes: Vec<(&str, Vec<Value>, Vec<Expected>)> = vec![
        ("no policy", vec![], vec![("evil/web", "shop/db", 5432, true), ("shop/db", "evil/web", 80, true)]),
        (
            "deny all to an application",
            vec![json!({ "podSelector": app("web"), "ingress": [] })],
            vec![
                ("shop/api", "shop/web", 8080, false),
                ("shop/web", "shop/api", 80, true),
                ("shop/web", "shop/web", 8080, true),
            ],
        ),
        (
            "limit traffic to an application",
            vec![json!({ "podSelector": app("db"), "ingress": [{ "from": [{ "podSelector": app("api") }] }] })],
            vec![
                ("shop/api", "shop/db", 5432, true),
                ("shop/web", "shop/db", 5432, false),
                ("evil/web", "shop/db", 5432, false),
            ],
        ),
        (
            "allow all to an application beats deny",
            vec![
                json!({ "podSelector": app("web"), "ingress": [] }),
                json!({ "podSelector": app("web"), "ingress": [{}] }),
            ],
            vec![("evil/web", "shop/web", 1, true)],
        ),
        (
            "deny all to a namespace",
            vec![json!({ "podSelector": {}, "policyTypes": ["Ingress"] })],
            vec![
                ("shop/web", "shop/db", 5432, false),
                ("monitoring/prom", "shop/web", 80, false),
                ("shop/web", "evil/web", 80, true),
            ],
        ),
        (
            "deny from other namespaces",
            vec![json!({ "podSelector": {}, "ingress": [{ "from": [{ "podSelector": {} }] }] })],
            vec![("shop/web", "shop/db", 5432, true), ("evil/web", "shop/db", 5432, false)],
        ),
        (
            "allow from all namespaces",
            vec![json!({ "podSelector": app("web"), "ingress": [{ "from": [{ "namespaceSelector": {} }] }] })],
            vec![("evil/web", "shop/web", 80, true), ("monitoring/prom", "shop/web", 80, true)],
        ),
        (
            "allow from a namespace",
            vec![
                json!({ "podSelector": app("web"), "ingress": [{ "from": [{ "namespaceSelector": { "matchLabels": { "purpose": "ops" } } }] }] }),
            ],
            vec![("monitoring/other", "shop/web", 80, true), ("shop/api", "shop/web", 80, false)],
        ),
        (
            "some pods of another namespace",
            vec![
                json!({ "podSelector": app("web"), "ingress": [{ "from": [{ "namespaceSelector": { "matchLabels": { "purpose": "ops" } }, "podSelector": app("prometheus") }] }] }),
            ],
            vec![("monitoring/prom", "shop/web", 80, true), ("monitoring/other", "shop/web", 80, false)],
        ),
        (
            "two entries are either, not both",
            vec![
                json!({ "podSelector": app("web"), "ingress": [{ "from": [{ "namespaceSelector": { "matchLabels": { "purpose": "ops" } } }, { "podSelector": app("api") }] }] }),
            ],
            vec![
                ("monitoring/other", "shop/web", 80, true),
                ("shop/api", "shop/web", 80, true),
                ("evil/web", "shop/web", 80, false),
            ],
        ),
        (
            "a port only",
            vec![json!({ "podSelector": app("web"), "ingress": [{ "ports": [{ "port": 8080 }] }] })],
            vec![("evil/web", "shop/web", 8080, true), ("evil/web", "shop/web", 8081, false)],
        ),
        (
            "deny egress of an application",
            vec![json!({ "podSelector": app("web"), "policyTypes": ["Egress"] })],
            vec![("shop/web", "shop/api", 80, false), ("shop/api", "shop/web", 80, true)],
        ),
        (
            "deny all egress of a namespace",
            vec![json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [] })],
            vec![("shop/web", "shop/api", 80, false), ("evil/web", "shop/api", 80, true)],
        ),
        (
            "limit egress to the cluster",
            vec![
                json!({ "podSelector": app("web"), "policyTypes": ["Egress"], "egress": [{ "to": [{ "namespaceSelector": {} }] }] }),
            ],
            vec![("shop/web", "monitoring/prom", 80, true)],
        ),
        (
            "both directions must agree",
            vec![
                json!({ "podSelector": app("web"), "policyTypes": ["Egress"], "egress": [{ "to": [{ "podSelector": app("api") }] }] }),
                json!({ "podSelector": app("api"), "ingress": [{ "from": [{ "podSelector": app("db") }] }] }),
            ],
            vec![
                ("shop/web", "shop/api", 80, false),
                ("shop/db", "shop/api", 80, true),
                ("shop/web", "shop/db", 80, false),
            ],
        ),
    ];
    for (case, policies, expected) in recipes {
        Cast::with(&policies).expect(case, &expected);
    }
}

#[test]
fn policy_types_default_to_ingress_and_to_egress_where_there_are_such_rules() {
    let cases = [
        (json!({ "podSelector": {} }), false, true),
        (json!({ "podSelector": {}, "egress": [] }), false, false),
        (json!({ "podSelector": {}, "egress": [{}] }), false, true),
        (json!({ "podSelector": {}, "policyTypes": [] }), false, true),
        (json!({ "podSelector": {}, "policyTypes": ["Egress"], "ingress": [{}] }), true, false),
        (json!({ "podSelector": {}, "policyTypes": ["Ingress"], "egress": [] }), false, true),
        (json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"] }), false, false),
    ];
    for (spec, enters, leaves) in cases {
        let cast = Cast::with(std::slice::from_ref(&spec));
        cast.expect(&spec.to_string(), &[("evil/web", "shop/api", 80, enters), ("shop/api", "evil/web", 80, leaves)]);
    }
}

#[test]
fn ports_are_numbers_ranges_or_names_of_the_target_and_of_tcp() {
    let cases = [
        (json!([]), vec![(80, true), (1, true)]),
        (json!([{}]), vec![(80, true)]),
        (json!([{ "protocol": "TCP" }]), vec![(80, true)]),
        (json!([{ "protocol": "UDP" }]), vec![(80, false)]),
        (json!([{ "protocol": "UDP", "port": 80 }]), vec![(80, false)]),
        (json!([{ "port": 80 }, { "port": 90 }]), vec![(80, true), (90, true), (85, false)]),
        (json!([{ "port": 8000, "endPort": 8100 }]), vec![(7999, false), (8000, true), (8100, true), (8101, false)]),
        (json!([{ "port": "http" }]), vec![(8080, true), (80, false)]),
        (json!([{ "port": "metrics" }]), vec![(8080, false)]),
        (json!([{ "port": 70000 }]), vec![(4464, false)]),
    ];
    for (ports, expected) in cases {
        let cast = Cast::with(&[json!({ "podSelector": {}, "ingress": [{ "ports": ports }] })]);
        for (port, allowed) in expected {
            cast.expect(&ports.to_string(), &[("evil/web", "shop/web", port, allowed)]);
        }
    }
    let egress = Cast::with(&[
        json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [{ "ports": [{ "port": "http" }] }] }),
    ]);
    egress.expect(
        "a named port of the target",
        &[("shop/api", "evil/web", 8080, true), ("shop/api", "monitoring/prom", 8080, false)],
    );
}

#[test]
fn address_blocks_hold_with_their_exceptions_and_broken_ones_hold_for_nobody() {
    let cases = [
        (json!({ "cidr": "10.244.0.0/16" }), true),
        (json!({ "cidr": "10.244.2.10/32" }), true),
        (json!({ "cidr": "10.244.2.11/32" }), false),
        (json!({ "cidr": "0.0.0.0/0" }), true),
        (json!({ "cidr": "0.0.0.0/0", "except": ["10.244.2.0/24"] }), false),
        (json!({ "cidr": "0.0.0.0/0", "except": ["10.244.1.0/24", "10.244.2.8/31"] }), true),
        (json!({ "cidr": "::/0" }), false),
        (json!({ "cidr": "10.244.0.0" }), false),
        (json!({ "cidr": "10.244.0.0/33" }), false),
        (json!({ "cidr": "0.0.0.0/0", "except": ["nonsense"] }), false),
    ];
    for (block, allowed) in cases {
        let cast = Cast::with(&[json!({ "podSelector": {}, "ingress": [{ "from": [{ "ipBlock": block }] }] })]);
        cast.expect(&block.to_string(), &[("evil/web", "shop/web", 80, allowed)]);
    }
    let v6 = Cidr::read("2001:db8::/33").unwrap();
    assert!(v6.has("2001:db8:7fff::1".parse().unwrap()) && !v6.has("2001:db8:8000::1".parse().unwrap()));
}

#[test]
fn selectors_with_expressions_count_and_what_cannot_be_read_closes() {
    let expression = |operator: &str, values: Value| {
        let mut one = json!({ "key": "tier", "operator": operator });
        if !values.is_null() {
            one["values"] = values;
        }
        json!({ "podSelector": {}, "ingress": [{ "from": [{ "podSelector": { "matchExpressions": [one] } }] }] })
    };
    let cases = [
        (expression("In", json!(["front", "side"])), true, false),
        (expression("NotIn", json!(["front"])), false, true),
        (expression("Exists", Value::Null), true, true),
        (expression("DoesNotExist", Value::Null), false, false),
        (expression("Sounds like", Value::Null), false, false),
        (json!({ "podSelector": {}, "ingress": [{ "from": [{}] }] }), false, false),
    ];
    for (spec, front, back) in cases {
        let cast = Cast::with(std::slice::from_ref(&spec));
        cast.expect(&spec.to_string(), &[("shop/web", "shop/db", 80, front), ("shop/api", "shop/db", 80, back)]);
    }
}

#[test]
fn a_refusal_names_the_direction_and_every_policy_that_closes_it() {
    let closed = json!({ "podSelector": { "matchLabels": { "app": "db" } }, "policyTypes": ["Ingress", "Egress"] });
    let cast = Cast::with(&[closed.clone(), closed]);
    let both = vec!["shop/p0".to_owned(), "shop/p1".to_owned()];
    assert_eq!(cast.judge("shop/web", "shop/db", 1), Err(Denied { direction: "ingress", policies: both.clone() }));
    assert_eq!(cast.judge("shop/db", "shop/web", 1), Err(Denied { direction: "egress", policies: both }));
}
