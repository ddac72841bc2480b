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
    View::draw(&Objects {
        services: vec![
            service("shop", "web", json!({ "clusterIP": "10.96.0.20", "ports": [{ "name": "http", "port": 80 }] })),
            service("bank", "web", json!({ "clusterIP": "10.96.0.21", "ports": [{ "port": 80 }] })),
            service("shop", "six", json!({ "clusterIP": "fd00::6", "ports": [{ "port": 80 }] })),
            service("shop", "peers", json!({ "clusterIP": "None", "ports": [{ "port": 80 }] })),
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
        ("peers.shop.svc.cluster.local", A, 3, &[]),
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
fn what_is_not_done_yet_says_so_to_the_log() {
    let why = |name: &str| names::look_up(&[name.to_owned()], "shop", &view()).unsupported();
    assert_eq!(why("peers"), Some("headless Services are not supported yet"));
    assert!(why("outside").is_some_and(|it| it.contains("ExternalName")));
    assert_eq!((why("web"), why("nobody")), (None, None));
}
