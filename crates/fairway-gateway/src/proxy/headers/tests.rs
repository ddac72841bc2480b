use http::Request;

use super::*;

fn parts(uri: &str, headers: &[(&str, &str)]) -> request::Parts {
    let mut request = Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

#[test]
fn the_host_is_read_from_one_place_and_nothing_strange_is_taken_for_it() {
    let cases: &[(&str, &[&str], Option<&str>)] = &[
        ("/", &["Shop.Example"], Some("shop.example")),
        ("/", &["shop.example:7080"], Some("shop.example")),
        ("/", &["shop.example."], Some("shop.example")),
        ("/", &["[::1]:7080"], Some("[::1]")),
        ("/", &["127.0.0.1"], Some("127.0.0.1")),
        ("http://target.example:1/x", &["ignored.example"], Some("target.example")),
        ("http://user@target.example/x", &["target.example"], None),
        ("/", &[], None),
        ("/", &[""], None),
        ("/", &["a.example", "b.example"], None),
        ("/", &["a.example", "a.example"], None),
        ("http://a.example/", &["a.example", "b.example"], None),
        ("/", &["a.example, b.example"], None),
        ("/", &["a.example/../x"], None),
        ("/", &["a.example:port"], None),
        ("/", &["[evil]"], None),
        ("/", &["<script>"], None),
    ];
    for (uri, hosts, expected) in cases {
        let headers: Vec<_> = hosts.iter().map(|it| ("host", *it)).collect();
        assert_eq!(host(&parts(uri, &headers)).ok().as_deref(), *expected, "{uri} {hosts:?}");
    }
}

#[test]
fn fields_of_the_connection_stay_behind_and_the_rest_goes_through() {
    let request = parts(
        "/",
        &[
            ("host", "a.example"),
            ("connection", "keep-alive, X-Secret, Host, Content-Length"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic x"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("http2-settings", "AAMAAABkAAQAAP__"),
            ("expect", "100-continue"),
            ("x-secret", "1"),
            ("content-length", "3"),
            ("trailer", "x-sum"),
            ("cookie", "a=b"),
        ],
    );
    let headers = forwarded(&request, "192.0.2.7".parse().unwrap());
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    let expected = [
        "content-length",
        "cookie",
        "forwarded",
        "host",
        "te",
        "trailer",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
    ];
    assert_eq!(names, expected);
}

#[test]
fn who_asked_is_said_by_the_gateway_alone() {
    let claims = [
        ("host", "a.example:7080"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "bank.example"),
        ("forwarded", "for=10.0.0.1"),
        ("x-real-ip", "10.0.0.1"),
    ];
    let headers = forwarded(&parts("/", &claims), "192.0.2.7".parse().unwrap());
    assert_eq!(headers["x-forwarded-for"], "192.0.2.7");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(headers["x-forwarded-host"], "a.example:7080");
    assert_eq!(headers["forwarded"], "for=192.0.2.7;host=\"a.example:7080\";proto=http");
    assert!(!headers.contains_key("x-real-ip"));
    let v6 = forwarded(&parts("/", &claims[..1]), "::1".parse().unwrap());
    assert_eq!(v6["forwarded"], "for=\"[::1]\";host=\"a.example:7080\";proto=http");
}

#[test]
fn an_absolute_target_becomes_the_host_and_a_path() {
    let request = parts("http://b.example:1/x?y=1", &[("host", "a.example")]);
    assert_eq!(forwarded(&request, "::1".parse().unwrap())["host"], "b.example:1");
    assert_eq!(origin_form(&request.uri), "/x?y=1");
    assert_eq!(origin_form(&"http://b.example".parse().unwrap()), "/");
}

#[test]
fn an_answer_keeps_its_upgrade_only_when_protocols_were_switched() {
    let answer = || {
        let pairs = [(header::CONNECTION, "upgrade"), (header::UPGRADE, "websocket"), (header::SERVER, "x")];
        pairs.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect::<HeaderMap>()
    };
    let (mut plain, mut switched) = (answer(), answer());
    clean_answer(&mut plain, false);
    clean_answer(&mut switched, true);
    assert_eq!(plain.len(), 1);
    assert_eq!(
        (&switched["connection"], &switched["upgrade"]),
        (&HeaderValue::from_static("upgrade"), &HeaderValue::from_static("websocket"))
    );
}
