use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::gateway::Named;
use crate::route::{self, Listener, Route};

/// A route from its spec; `age` counts up from the oldest.
fn route(name: &str, age: u32, spec: Value) -> Route {
    let mut spec = spec;
    if spec.get("parentRefs").is_none() {
        spec["parentRefs"] = json!([{ "name": "edge", "namespace": "infra" }]);
    }
    let object = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "spec": spec,
        "metadata": { "namespace": "shop", "name": name, "generation": 1, "creationTimestamp": format!("2026-01-01T00:00:{age:02}Z") },
    });
    Route::read(&serde_json::from_value(object).unwrap())
}

fn to(service: &str) -> Value {
    json!([{ "name": service, "port": 80 }])
}

fn listeners(from: Value) -> Vec<Listener> {
    let gateway = json!({ "apiVersion": "x/v1", "kind": "Gateway", "metadata": {}, "spec": { "listeners": from } });
    route::listeners(&serde_json::from_value(gateway).unwrap()).unwrap()
}

fn open() -> Vec<Listener> {
    listeners(
        json!([{ "name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": { "namespaces": { "from": "All" } } }]),
    )
}

fn compiled(routes: &[Route], listeners: &[Listener]) -> (Table, Vec<Verdict>) {
    let gateway = Named { namespace: "infra".into(), name: "edge".into() };
    let labels = BTreeMap::from([("tier".to_owned(), "public".to_owned())]);
    let namespaces = BTreeMap::from([("shop".to_owned(), labels)]);
    let has_port = |key: &BackendKey| key.service != "missing" && key.port == 80;
    let controller = "example.com/gateway";
    let facts = Facts { gateway: &gateway, controller, listeners, namespaces: &namespaces, has_port: &has_port };
    compile(routes, &facts)
}

fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> http::request::Parts {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn backend_for(table: &Table, host: &str, parts: &http::request::Parts) -> String {
    match table.find(host, parts) {
        Found::Rule(rule) => rule.next_backend().map_or("unresolved".into(), |it| it.service.clone()),
        Found::NoRule => "no rule".into(),
        Found::NoHost => "no host".into(),
    }
}

#[test]
fn the_table_reads_in_the_order_of_precedence() {
    let rule = |matches: Value, service: &str| json!({ "matches": matches, "backendRefs": to(service) });
    let path = |kind: &str, value: &str| json!({ "path": { "type": kind, "value": value } });
    let mut with_method = path("PathPrefix", "/a");
    with_method["method"] = json!("POST");
    let mut with_headers = path("PathPrefix", "/a");
    with_headers["headers"] = json!([{ "name": "x-a", "value": "1" }]);
    let mut with_query = path("PathPrefix", "/a");
    with_query["queryParams"] = json!([{ "name": "q", "value": "1" }]);
    let routes = [
        route(
            "younger",
            2,
            json!({ "hostnames": ["a.example"], "rules": [rule(json!([path("PathPrefix", "/a")]), "younger")] }),
        ),
        route(
            "older",
            1,
            json!({ "hostnames": ["a.example", "*.example"], "rules": [
            rule(json!([]), "all"),
            rule(json!([path("PathPrefix", "/a"), path("PathPrefix", "/a/b/")]), "prefix"),
            rule(json!([path("Exact", "/a")]), "exact"),
            rule(json!([with_method]), "method"),
            rule(json!([with_headers]), "header"),
            rule(json!([with_query]), "query"),
        ] }),
        ),
        route("any", 0, json!({ "rules": [rule(json!([]), "fallback")] })),
    ];
    let (table, verdicts) = compiled(&routes, &open());
    assert!(verdicts.iter().all(|it| it.unresolved.is_none() && it.attachments.iter().all(|it| it.refused.is_none())));
    assert_eq!(
        table.describe(),
        [
            "a.example =/a -> shop/older [shop/exact:80*1]",
            "a.example /a/b/* -> shop/older [shop/prefix:80*1]",
            "a.example /a/* POST -> shop/older [shop/method:80*1]",
            "a.example /a/* x-a:\"1\" -> shop/older [shop/header:80*1]",
            "a.example /a/* ?q=1 -> shop/older [shop/query:80*1]",
            "a.example /a/* -> shop/older [shop/prefix:80*1]",
            "a.example /a/* -> shop/younger [shop/younger:80*1]",
            "a.example /* -> shop/older [shop/all:80*1]",
            "*.example =/a -> shop/older [shop/exact:80*1]",
            "*.example /a/b/* -> shop/older [shop/prefix:80*1]",
            "*.example /a/* POST -> shop/older [shop/method:80*1]",
            "*.example /a/* x-a:\"1\" -> shop/older [shop/header:80*1]",
            "*.example /a/* ?q=1 -> shop/older [shop/query:80*1]",
            "*.example /a/* -> shop/older [shop/prefix:80*1]",
            "*.example /* -> shop/older [shop/all:80*1]",
            "any /* -> shop/any [shop/fallback:80*1]",
        ]
    );
}

#[test]
fn a_request_meets_the_most_specific_rule() {
    let routes = [
        route(
            "exact",
            0,
            json!({ "hostnames": ["a.b.example"], "rules": [
            { "matches": [{ "path": { "type": "PathPrefix", "value": "/only" } }], "backendRefs": to("exact") },
        ] }),
        ),
        route(
            "near",
            0,
            json!({ "hostnames": ["*.b.example"], "rules": [
            { "matches": [{ "path": { "value": "/x" }, "headers": [{ "name": "X-Kind", "value": "a,b" }], "queryParams": [{ "name": "v", "value": "2 3" }] }], "backendRefs": to("picky") },
            { "matches": [{ "method": "DELETE" }, { "path": { "type": "Exact", "value": "/same" } }], "backendRefs": to("near") },
        ] }),
        ),
        route(
            "far",
            0,
            json!({ "hostnames": ["*.EXAMPLE"], "rules": [
            { "matches": [{ "path": { "value": "/foo" } }], "backendRefs": to("far") },
        ] }),
        ),
    ];
    let (table, _) = compiled(&routes, &open());
    let cases = [
        ("a.b.example", "GET", "/only", "exact"),
        ("a.b.example", "GET", "/only/deeper?q=1", "exact"),
        ("a.b.example", "DELETE", "/", "near"),
        ("x.b.example", "GET", "/same", "near"),
        ("x.b.example", "GET", "/same/", "no rule"),
        ("y.x.b.example", "DELETE", "/", "near"),
        ("b.example", "GET", "/foo", "far"),
        ("b.example", "GET", "/foo/", "far"),
        ("b.example", "GET", "/foobar", "no rule"),
        ("b.example", "DELETE", "/", "no rule"),
        ("example", "GET", "/foo", "no host"),
        ("notexample", "GET", "/foo", "no host"),
        ("other.test", "GET", "/", "no host"),
    ];
    for (host, method, uri, expected) in cases {
        assert_eq!(backend_for(&table, host, &parts(method, uri, &[])), expected, "{method} {host}{uri}");
    }
    let picky = |uri: &str, headers: &[(&str, &str)]| backend_for(&table, "x.b.example", &parts("GET", uri, headers));
    assert_eq!(picky("/x?v=2+3", &[("x-kind", "a"), ("x-kind", "b")]), "picky", "repeated headers count as one");
    assert_eq!(picky("/x?u=1&v=2+3&v=9", &[("x-kind", "a,b")]), "picky", "the first parameter counts");
    assert_eq!(picky("/x?v=9&v=2+3", &[("x-kind", "a,b")]), "no rule");
    assert_eq!(picky("/x?v=2+3", &[("x-kind", "a")]), "no rule");
}

#[test]
fn weights_are_exact_over_a_round_and_interleaved_within_it() {
    let refs = json!([{ "name": "a", "port": 80, "weight": 70 }, { "name": "b", "port": 80, "weight": 30 }, { "name": "off", "port": 80, "weight": 0 }]);
    let (table, _) = compiled(&[route("r", 0, json!({ "rules": [{ "backendRefs": refs }] }))], &open());
    let request = parts("GET", "/", &[]);
    let picks: Vec<String> = (0..1000).map(|_| backend_for(&table, "x", &request)).collect();
    assert_eq!(picks.iter().filter(|it| *it == "a").count(), 700);
    assert_eq!(picks.iter().filter(|it| *it == "b").count(), 300);
    let longest = picks.chunk_by(|a, b| a == b).map(<[String]>::len).max();
    assert!(longest <= Some(6), "a run of {longest:?} on one backend");
}

#[test]
fn huge_and_zero_weights_neither_overflow_nor_divide_by_zero() {
    let max = 1_000_000;
    let many: Vec<Value> = (0..16).map(|it| json!({ "name": format!("s{it}"), "port": 80, "weight": max })).collect();
    for (refs, expected) in [
        (json!(many), "s"),
        (json!([{ "name": "z", "port": 80, "weight": 0 }]), "unresolved"),
        (json!([]), "unresolved"),
    ] {
        let (table, _) = compiled(&[route("r", 0, json!({ "rules": [{ "backendRefs": refs }] }))], &open());
        assert!(backend_for(&table, "x", &parts("GET", "/", &[])).starts_with(expected));
    }
    let huge = json!([{ "name": "a", "port": 80, "weight": u32::MAX }, { "name": "b", "port": 80, "weight": 1 }]);
    let (table, _) = compiled(&[route("r", 0, json!({ "rules": [{ "backendRefs": huge }] }))], &open());
    assert_eq!(backend_for(&table, "x", &parts("GET", "/", &[])), "a");
}

#[test]
fn a_reference_that_does_not_resolve_fails_its_share_and_is_reported() {
    let cases = [
        (json!({ "name": "missing", "port": 80 }), "BackendNotFound"),
        (json!({ "name": "web", "port": 81 }), "BackendNotFound"),
        (json!({ "name": "web" }), "BackendNotFound"),
        (json!({ "name": "web", "port": 80, "kind": "Bucket", "group": "s3.example" }), "InvalidKind"),
        (json!({ "name": "web", "port": 80, "namespace": "bank" }), "RefNotPermitted"),
    ];
    for (reference, reason) in cases {
        let refs = json!([reference, { "name": "web", "port": 80 }]);
        let (table, verdicts) = compiled(&[route("r", 0, json!({ "rules": [{ "backendRefs": refs }] }))], &open());
        assert_eq!(verdicts[0].unresolved.as_ref().map(|it| it.reason), Some(reason));
        assert_eq!(verdicts[0].attachments[0].refused, None, "the route is accepted all the same");
        let mut picks = [(); 2].map(|()| backend_for(&table, "x", &parts("GET", "/", &[])));
        picks.sort();
        assert_eq!(picks, ["unresolved", "web"]);
    }
}

#[test]
fn what_is_not_supported_is_refused_and_not_served_in_part() {
    let matching = |it: Value| json!({ "matches": [it], "backendRefs": to("web") });
    let filtered = |it: Value| json!({ "filters": [it], "backendRefs": to("web") });
    let cases = [
        (matching(json!({ "path": { "type": "RegularExpression", "value": "/.*" } })), "RegularExpression"),
        (matching(json!({ "path": { "value": "no-slash" } })), "no-slash"),
        (matching(json!({ "headers": [{ "type": "RegularExpression", "name": "a", "value": "b" }] })), "header match"),
        (matching(json!({ "method": "G ET" })), "not a method"),
        (filtered(json!({ "type": "RequestMirror" })), "RequestMirror"),
        (
            filtered(
                json!({ "type": "RequestHeaderModifier", "requestHeaderModifier": { "set": [{ "name": "Host", "value": "x" }] } }),
            ),
            "frames the message",
        ),
        (filtered(json!({ "type": "RequestRedirect", "requestRedirect": { "statusCode": 200 } })), "not a redirect"),
        (json!({ "timeouts": { "request": "10 s" }, "backendRefs": to("web") }), "not a duration"),
        (json!({ "backendRefs": [{ "name": "web", "port": 80, "filters": [{}] }] }), "single backendRef"),
        (json!({ "backendRefs": [{ "name": 7 }] }), "cannot be read"),
    ];
    for (rule, said) in cases {
        let routes = [
            route("bad", 0, json!({ "rules": [{ "backendRefs": to("web") }, rule] })),
            route("good", 1, json!({ "hostnames": ["good"], "rules": [{ "backendRefs": to("web") }] })),
        ];
        let (table, verdicts) = compiled(&routes, &open());
        if let Some(refused) =
            verdicts.iter().find(|it| it.name == "bad").and_then(|it| it.attachments[0].refused.as_ref())
        {
            assert_eq!(refused.reason, "UnsupportedValue");
            assert!(refused.message.contains(said), "{} lacks {said}", refused.message);
        } else {
            assert_eq!(said, "cannot be read", "a spec whose parents cannot be read either has nobody to report to");
        }
        assert_eq!(table.describe(), ["good /* -> shop/good [shop/web:80*1]"], "a poison route harms itself alone");
    }
}

#[test]
fn listeners_decide_who_attaches_and_under_which_names() {
    let listener = |more: Value| {
        let mut it = json!({ "name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": { "namespaces": { "from": "All" } } });
        it.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        it
    };
    let from = |it: Value| json!({ "allowedRoutes": { "namespaces": it } });
    let selector = |value: &str| from(json!({ "from": "Selector", "selector": { "matchLabels": { "tier": value } } }));
    let names = |it: &[&str]| json!({ "hostnames": it, "rules": [{ "backendRefs": to("web") }] });
    let at = |section: &str| json!({ "parentRefs": [{ "name": "edge", "namespace": "infra", "sectionName": section }], "rules": [{ "backendRefs": to("web") }] });
    type Served = Result<&'static [&'static str], &'static str>;
    let cases: Vec<(&str, Value, Value, Served)> = vec![
        ("open", listener(json!({})), names(&["a.example"]), Ok(&["a.example"])),
        (
            "default is the same namespace",
            listener(json!({ "allowedRoutes": {} })),
            names(&[]),
            Err("NotAllowedByListeners"),
        ),
        ("same", listener(from(json!({ "from": "Same" }))), names(&[]), Err("NotAllowedByListeners")),
        ("selector that holds", listener(selector("public")), names(&[]), Ok(&["any"])),
        ("selector that does not", listener(selector("private")), names(&[]), Err("NotAllowedByListeners")),
        ("only HTTP", listener(json!({ "protocol": "TLS" })), names(&[]), Err("NoMatchingParent")),
        ("section", listener(json!({})), at("http"), Ok(&["any"])),
        ("no such section", listener(json!({})), at("https"), Err("NoMatchingParent")),
        (
            "listener's name for a route without",
            listener(json!({ "hostname": "*.example" })),
            names(&[]),
            Ok(&["*.example"]),
        ),
        (
            "narrowed by the route",
            listener(json!({ "hostname": "*.example" })),
            names(&["a.example", "b.test"]),
            Ok(&["a.example"]),
        ),
        (
            "narrowed by the listener",
            listener(json!({ "hostname": "a.example" })),
            names(&["*.example"]),
            Ok(&["a.example"]),
        ),
        ("two wildcards", listener(json!({ "hostname": "*.example" })), names(&["*.b.example"]), Ok(&["*.b.example"])),
        (
            "disjoint",
            listener(json!({ "hostname": "a.test" })),
            names(&["*.example"]),
            Err("NoMatchingListenerHostname"),
        ),
    ];
    for (case, listener, spec, expected) in cases {
        let (table, verdicts) = compiled(&[route("r", 0, spec)], &listeners(json!([listener])));
        let served: Vec<String> = table.describe().iter().map(|it| it.split(' ').next().unwrap().to_owned()).collect();
        match (&verdicts[0].attachments[0].refused, expected) {
            (None, Ok(names)) => assert_eq!(served, names, "{case}"),
            (Some(refused), Err(reason)) => assert_eq!((refused.reason, served.len()), (reason, 0), "{case}"),
            (other, _) => panic!("{case}: {other:?}"),
        }
    }
}

#[test]
fn routes_of_other_gateways_are_none_of_our_business() {
    let elsewhere = json!({ "parentRefs": [{ "name": "edge" }, { "name": "edge", "namespace": "infra", "kind": "Service", "group": "" }], "rules": [{ "backendRefs": to("web") }] });
    let (table, verdicts) = compiled(&[route("r", 0, elsewhere.clone())], &open());
    assert_eq!((table.describe().len(), verdicts.len()), (0, 0));
    let mut left = route("r", 0, elsewhere);
    left.parents = vec![json!({ "controllerName": "example.com/gateway" })];
    assert_eq!(compiled(&[left], &open()).1.len(), 1, "but what we once said about them is taken back");
}

#[test]
fn durations_are_those_of_the_gateway_api() {
    use std::time::Duration;
    let cases = [
        ("10s", Some(10_000)),
        ("1h30m", Some(5_400_000)),
        ("500ms", Some(500)),
        ("1m1s1ms", Some(61_001)),
        ("0s", Some(0)),
        ("", None),
        ("10", None),
        ("s", None),
        ("1d", None),
        ("-1s", None),
        ("1.5s", None),
        ("100000s", None),
        ("1s ", None),
        ("1h1m1s1ms1s", None),
    ];
    for (text, millis) in cases {
        let read = compile::duration(text).ok();
        let expected = millis.map(|it: u64| Some(Duration::from_millis(it)).filter(|it| !it.is_zero()));
        assert_eq!(read, expected, "{text:?}");
    }
}

#[test]
fn filters_change_headers_and_redirect() {
    let filters = json!([
        { "type": "RequestHeaderModifier", "requestHeaderModifier": { "set": [{ "name": "X-A", "value": "1" }], "add": [{ "name": "X-B", "value": "2" }], "remove": ["X-C"] } },
        { "type": "RequestRedirect", "requestRedirect": { "scheme": "https", "statusCode": 301 } },
    ]);
    let (table, _) = compiled(&[route("r", 0, json!({ "rules": [{ "filters": filters }] }))], &open());
    let request = parts("GET", "/p?q=1", &[("x-a", "0"), ("x-b", "0"), ("x-c", "0")]);
    let Found::Rule(rule) = table.find("a.example", &request) else { panic!("served") };
    let mut headers = request.headers.clone();
    rule.filters.request.apply(&mut headers);
    let all = |name: &str| headers.get_all(name).iter().map(|it| it.to_str().unwrap()).collect::<Vec<_>>().join(" ");
    assert_eq!((all("x-a"), all("x-b"), all("x-c")), ("1".into(), "0 2".into(), String::new()));
    let (status, location) = rule.filters.redirect.as_ref().unwrap().location("a.example", 7080, &request);
    assert_eq!((status.as_u16(), location.as_str()), (301, "https://a.example/p?q=1"));
}
