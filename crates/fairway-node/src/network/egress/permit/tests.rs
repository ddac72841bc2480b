use super::*;

fn permit<'a>(of_namespace: Option<&'a Destinations>, of_pod: Option<&'a Destinations>) -> Permit<'a> {
    Permit { namespace: "shop", of_namespace, of_pod }
}

#[test]
fn a_pod_narrows_and_never_widens() {
    let wide = Destinations::parse("*.crates.io:443,a.example.com:80,a.example.com:443");
    let narrow = Destinations::parse("index.crates.io:443,a.example.com:443,secret.example.com:443");
    let nothing = Destinations::parse("");
    // The namespace's list, the pod's, host, port, whether it is allowed.
    let cases = [
        (Some(&wide), None, "static.crates.io", 443, true),
        (Some(&wide), Some(&narrow), "index.crates.io", 443, true),
        (Some(&wide), Some(&narrow), "static.crates.io", 443, false),
        (Some(&wide), Some(&narrow), "a.example.com", 80, false),
        (Some(&wide), Some(&narrow), "secret.example.com", 443, false),
        (Some(&wide), Some(&nothing), "index.crates.io", 443, false),
        (Some(&narrow), Some(&wide), "static.crates.io", 443, false),
        (Some(&nothing), None, "index.crates.io", 443, false),
        (None, None, "index.crates.io", 443, false),
        (None, Some(&wide), "index.crates.io", 443, false),
    ];
    for (of_namespace, of_pod, host, port, allowed) in cases {
        let permit = permit(of_namespace, of_pod);
        assert_eq!(permit.has(host, port), allowed, "{permit:?} {host}:{port}");
        assert_eq!(permit.ports(host).contains(&port), allowed, "{permit:?} {host}:{port}");
    }
    assert_eq!(permit(Some(&wide), None).ports("a.example.com"), [80, 443].into());
}

#[test]
fn a_refusal_says_what_is_allowed_and_who_allows_more() {
    let list = Destinations::parse("a.example.com:443,b.example.com:443");
    let pods_own = Destinations::parse("");
    let cases = [
        (
            permit(None, None),
            None,
            "may reach nothing; to allow it, add host:port to annotation node.fairway.dev/egress",
        ),
        (permit(Some(&list), None), None, "may reach a.example.com:443, b.example.com:443; to allow it"),
        (permit(Some(&list), None), Some("ask Ann"), "to allow it, ask Ann"),
    ];
    for (permit, advice, says) in cases {
        let why = permit.why_not("c.example.com", None, advice);
        assert!(why.contains(says), "{why}");
    }
    let narrowed = permit(Some(&list), Some(&pods_own));
    assert!(narrowed.why_not("a.example.com", Some(443), None).contains("the pod's own annotation"));
    assert!(narrowed.why_not("a.example.com", Some(80), None).contains("to allow it"));
    let long: Vec<String> = (0..200).map(|it| format!("h{it}.example.com:443")).collect();
    let long = Destinations::parse(&long.join(","));
    assert!(permit(Some(&long), None).why_not("x.org", None, None).contains("and 194 more"));
}

#[test]
fn what_cannot_be_read_is_told_with_whose_it_is() {
    let (namespace, pod) = (Destinations::parse("a.example.com:443,10.0.0.1:80"), Destinations::parse("nonsense"));
    let told = permit(Some(&namespace), Some(&pod)).unreadable();
    assert_eq!(told.len(), 2);
    assert!(told[0].contains("of the namespace: \"10.0.0.1:80\""), "{told:?}");
    assert!(told[1].contains("of the pod: \"nonsense\""), "{told:?}");
}
