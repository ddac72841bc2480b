use serde_json::json;

use super::*;

fn draw(services: &serde_json::Value, slices: &serde_json::Value) -> View {
    fn all<T: serde::de::DeserializeOwned>(from: &serde_json::Value) -> Vec<Arc<T>> {
        from.as_array().unwrap().iter().map(|it| Arc::new(serde_json::from_value(it.clone()).unwrap())).collect()
    }
    View::draw(&Objects { services: all(services), slices: all(slices), ..Objects::default() })
}

fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

#[test]
fn services_are_found_by_address_and_their_ports_have_the_endpoints_of_all_slices() {
    let services = json!([
        { "metadata": { "namespace": "shop", "name": "web" }, "spec": { "clusterIP": "10.96.0.20", "sessionAffinity": "ClientIP", "ports": [
            { "name": "http", "port": 80 }, { "name": "dns", "port": 53, "protocol": "UDP" }, { "name": "admin", "port": 81 },
        ] } },
        { "metadata": { "namespace": "bank", "name": "web" }, "spec": { "clusterIP": "10.96.0.21", "ports": [{ "port": 80 }] } },
    ]);
    let slice = |namespace: &str, name: &str, port: serde_json::Value, endpoints: serde_json::Value| {
        json!({ "metadata": { "namespace": namespace, "name": name, "labels": { "kubernetes.io/service-name": "web" } },
            "addressType": "IPv4", "ports": [port], "endpoints": endpoints })
    };
    let http = || json!({ "name": "http", "port": 8080 });
    let view = draw(
        &services,
        &json!([
            slice(
                "shop",
                "a",
                http(),
                json!([
                    { "addresses": ["10.244.0.3", "10.244.0.99"], "conditions": { "ready": true } },
                    { "addresses": ["10.244.0.2"], "conditions": { "ready": false, "serving": true, "terminating": true } },
                ])
            ),
            slice(
                "shop",
                "b",
                http(),
                json!([
                    { "addresses": ["10.244.0.2"], "conditions": { "ready": false } },
                    { "addresses": ["not an address"] },
                ])
            ),
            slice("bank", "c", json!({ "name": "", "port": 9 }), json!([{ "addresses": ["10.244.0.7"] }])),
        ]),
    );
    let (service, port) = view.service_at(at("10.96.0.20:80")).unwrap();
    assert_eq!((service.name.as_str(), service.sticky, port.name.as_str()), ("web", true, "http"));
    let states: Vec<_> = port.endpoints.iter().map(|it| (it.address, it.state)).collect();
    assert_eq!(states, [(at("10.244.0.2:8080"), State::Leaving), (at("10.244.0.3:8080"), State::Ready)]);
    assert_eq!(port.usable(), [at("10.244.0.3:8080")]);
    assert_eq!(view.service_at(at("10.96.0.20:81")).unwrap().1.usable(), []);
    assert!(view.service_at(at("10.96.0.20:53")).is_none(), "UDP is not carried");
    assert_eq!(service.addresses(), [at("10.96.0.20:80"), at("10.96.0.20:81")]);
    assert_eq!(view.service_at(at("10.96.0.21:80")).unwrap().1.usable(), [at("10.244.0.7:9")]);
}

#[test]
fn leaving_endpoints_serve_when_nobody_is_ready_and_unready_ones_never() {
    let port = |states: &[State]| PortView {
        name: String::new(),
        port: 80,
        is_tcp: true,
        endpoints: (1..)
            .zip(states)
            .map(|(it, state)| EndpointView { address: SocketAddr::from(([10, 0, 0, it], 1)), state: *state })
            .collect(),
    };
    let usable = |states: &[State]| port(states).usable().len();
    assert_eq!(usable(&[State::Ready, State::Leaving, State::Unready]), 1);
    assert_eq!(usable(&[State::Leaving, State::Leaving, State::Unready]), 2);
    assert_eq!(usable(&[State::Unready]), 0);
}

#[test]
fn services_without_an_address_are_known_for_what_they_are() {
    let services: Vec<_> = [("None", "ClusterIP"), ("", "ClusterIP"), ("", "ExternalName"), ("10.96.0.9", "NodePort")]
        .iter()
        .enumerate()
        .map(|(at, (ip, kind))| json!({ "metadata": { "namespace": "n", "name": format!("s{at}") }, "spec": { "clusterIP": ip, "type": kind, "ports": [{ "port": 1 }] } }))
        .collect();
    let view = draw(&json!(services), &json!([]));
    let kinds: Vec<_> = view.services.values().map(|it| it.kind.clone()).collect();
    assert_eq!(kinds, [Kind::Headless, Kind::Pending, Kind::External, Kind::Address("10.96.0.9".parse().unwrap())]);
}
