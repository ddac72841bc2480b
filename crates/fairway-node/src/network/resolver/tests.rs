use serde_json::json;

use super::message::tests::{outcome, question};
use super::message::{A, AAAA, ANY, PTR, SRV};
use super::*;
use crate::network::view::{Objects, View};

fn view() -> View {
    let service = |namespace: &str, name: &str, spec: serde_json::Value| {
        let object = json!({ "metadata": { "namespace": namespace, "name": name }, "spec": spec });
        Arc::new(serde_json::from_value(object).unwrap())
    };
    let namespace = |name: &str| {
        let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        Arc::new(serde_json::from_value(object).unwrap())
    };
    let slice = json!({
        "metadata": { "namespace": "shop", "name": "peers-0", "labels": { "kubernetes.io/service-name": "peers" } },
        "addressType": "IPv4", "ports": [{ "name": "pg", "port": 5432 }, { "name": "log", "port": 514, "protocol": "UDP" }],
        "endpoints": [
            { "addresses": ["10.244.0.5"], "hostname": "db-0", "conditions": { "ready": true } },
            { "addresses": ["10.244.0.6"], "conditions": { "ready": true } },
            { "addresses": ["10.244.0.7"], "hostname": "db-2", "conditions": { "ready": false } },
        ],
    });
    let pod = json!({ "metadata": { "namespace": "bank", "name": "vault" }, "status": { "podIP": "10.244.0.9" },
        "spec": { "containers": [{ "name": "a", "ports": [{ "containerPort": 443 }, { "containerPort": 53, "protocol": "UDP" }] }] } });
    View::draw(&Objects {
        slices: vec![Arc::new(serde_json::from_value(slice).unwrap())],
        pods: vec![Arc::new(serde_json::from_value(pod).unwrap())],
        services: vec![
            service("shop", "web", json!({ "clusterIP": "10.96.0.20", "ports": [{ "name": "http", "port": 80 }] })),
            service("bank", "web", json!({ "clusterIP": "10.96.0.21", "ports": [{ "port": 80 }] })),
            service("shop", "six", json!({ "clusterIP": "fd00::6", "ports": [{ "port": 80 }] })),
            service(
                "shop",
                "peers",
                json!({ "clusterIP": "None", "ports": [{ "name": "pg", "port": 80, "targetPort": 5432 }] }),
            ),
            service("shop", "lonely", json!({ "clusterIP": "None" })),
            service("shop", "outside", json!({ "type": "ExternalName", "externalName": "example.com" })),
        ],
        namespaces: vec![namespace("shop"), namespace("bank")],
        ..Objects::default()
    })
}

/// The last bytes of the first answer, if there is one.
fn ask(view: &View, name: &str, kind: u16) -> (u8, u16, Vec<u8>) {
    let Parsed::Query(query) = message::parse(&question(name, kind, None)) else { panic!("{name} is a question") };
    let answer = message::encode(&query, &names::look_up(&query.name, "shop", view).reply(&query), false);
    let (rcode, count, _) = outcome(&answer);
    (rcode, count, if count > 0 { answer[answer.len() - 4..].to_vec() } else { vec![] })
}

#[test]
fn names_mean_what_they_mean_in_a_cluster() {
    const WEB: &[u8] = &[10, 96, 0, 20];
    const BANK: &[u8] = &[10, 96, 0, 21];
    let cases: &[(&str, u16, u8, &[u8])] = &[
        ("web", A, 0, WEB),
        ("WEB", A, 0, WEB),
        ("web.shop", A, 0, WEB),
        ("web.bank", A, 0, BANK),
        ("web.bank.svc", A, 0, BANK),
        ("web.bank.svc.cluster.local", A, 0, BANK),
        ("web.shop.svc.cluster.local", ANY, 0, WEB),
        ("web.shop.svc.cluster.local", AAAA, 0, &[]),
        ("web.shop.svc.cluster.local", 16, 0, &[]),
        ("six.shop.svc.cluster.local", AAAA, 0, &[0, 0, 0, 6]),
        ("six.shop.svc.cluster.local", A, 0, &[]),
        ("cluster.local", A, 0, &[]),
        ("svc.cluster.local", A, 0, &[]),
        ("bank.svc.cluster.local", A, 0, &[]),
        ("nobody.svc.cluster.local", A, 3, &[]),
        ("nobody", A, 3, &[]),
        ("nobody.bank.svc.cluster.local", A, 3, &[]),
        ("web.nowhere.svc.cluster.local", A, 3, &[]),
        ("web.shop.svc.cluster.local.shop.svc.cluster.local", A, 3, &[]),
        ("web.shop.pod.cluster.local", A, 3, &[]),
        ("www.example.com", A, 3, &[]),
        ("example.com", A, 3, &[]),
        ("", A, 3, &[]),
        ("db-0.peers.shop.svc.cluster.local", A, 0, &[10, 244, 0, 5]),
        ("db-0.peers.shop.svc", A, 0, &[10, 244, 0, 5]),
        ("db-0.peers.shop", A, 0, &[10, 244, 0, 5]),
        ("DB-0.peers", A, 0, &[10, 244, 0, 5]),
        ("db-0.peers.bank.svc.cluster.local", A, 3, &[]),
        ("10-244-0-6.peers.shop.svc.cluster.local", A, 0, &[10, 244, 0, 6]),
        ("db-0.peers.shop.svc.cluster.local", AAAA, 0, &[]),
        ("db-2.peers", A, 3, &[]),
        ("db-0.web", A, 3, &[]),
        ("lonely", A, 3, &[]),
        ("10-244-0-9.bank.pod.cluster.local", A, 0, &[10, 244, 0, 9]),
        ("10-244-0-9.shop.pod.cluster.local", A, 3, &[]),
        ("10-244-0-10.bank.pod.cluster.local", A, 3, &[]),
        ("nonsense.bank.pod.cluster.local", A, 3, &[]),
        ("outside.shop.svc.cluster.local", A, 5, &[]),
        ("20.0.96.10.in-addr.arpa", PTR, 5, &[]),
        ("_http._tcp.web.shop.svc.cluster.local", A, 0, &[]),
        ("_https._tcp.web.shop.svc.cluster.local", SRV, 3, &[]),
        ("_http._udp.web.shop.svc.cluster.local", SRV, 3, &[]),
    ];
    let view = view();
    for (name, kind, rcode, end) in cases {
        assert_eq!(ask(&view, name, *kind), (*rcode, u16::from(!end.is_empty()), end.to_vec()), "{name} {kind}");
    }
}

#[test]
fn a_named_port_is_told_with_its_service() {
    let (rcode, count, _) = ask(&view(), "_http._tcp.web.shop.svc.cluster.local", SRV);
    assert_eq!((rcode, count), (0, 1));
    let Parsed::Query(query) = message::parse(&question("_http._tcp.web.shop.svc.cluster.local", SRV, None)) else {
        panic!()
    };
    let reply = names::look_up(&query.name, "bank", &view()).reply(&query);
    let target = "web.shop.svc.cluster.local".split('.').map(str::to_owned).collect();
    assert_eq!(reply.answers, [message::Record::Service { port: 80, target }]);
}

#[test]
fn a_headless_service_is_answered_with_the_pods_that_are_ready_and_their_ports() {
    let view = view();
    let found = |name: &str| names::look_up(&name.split('.').map(str::to_owned).collect::<Vec<_>>(), "shop", &view);
    let reply = |name: &str, kind| {
        let Parsed::Query(query) = message::parse(&question(name, kind, None)) else { panic!("{name} is a question") };
        found(name).reply(&query).answers
    };
    let ready: [std::net::IpAddr; 2] = [[10, 244, 0, 5].into(), [10, 244, 0, 6].into()];
    assert_eq!(reply("peers.shop.svc.cluster.local", A), ready.map(message::Record::Address));
    let service = |host: &str| {
        let target = format!("{host}.peers.shop.svc.cluster.local").split('.').map(str::to_owned).collect();
        message::Record::Service { port: 5432, target }
    };
    assert_eq!(reply("_pg._tcp.peers.shop.svc.cluster.local", SRV), [service("db-0"), service("10-244-0-6")]);
    // What is answered can be called: there, and at no other port.
    let sockets = |name: &str| found(name).sockets().1.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(sockets("peers"), ["10.244.0.5:5432", "10.244.0.6:5432"]);
    assert_eq!(sockets("db-0.peers"), ["10.244.0.5:5432"]);
    assert_eq!(sockets("_pg._tcp.peers.shop.svc.cluster.local"), ["10.244.0.5:5432", "10.244.0.6:5432"]);
    assert_eq!(sockets("10-244-0-9.bank.pod.cluster.local"), ["10.244.0.9:443"]);
}

#[test]
fn what_is_not_done_says_so_to_the_log() {
    let why = |name: &str| names::look_up(&[name.to_owned()], "shop", &view()).unsupported();
    assert_eq!(why("peers"), None);
    assert!(why("outside").is_some_and(|it| it.contains("ExternalName")));
    assert_eq!((why("web"), why("nobody")), (None, None));
}
