use super::*;

fn read(set: &[(&str, &str)]) -> Proxies {
    Proxies::read(|name| set.iter().find(|it| it.0 == name).map(|it| it.1.to_owned()))
}

#[test]
fn the_first_variable_that_says_something_counts() {
    type Case<'a> = (&'a [(&'a str, &'a str)], Option<&'a str>);
    let cases: &[Case<'_>] = &[
        (&[], None),
        (&[("HTTPS_PROXY", "")], None),
        (&[("HTTPS_PROXY", "http://proxy.corp:3128/")], Some("proxy.corp:3128")),
        (&[("https_proxy", "proxy.corp")], Some("proxy.corp:80")),
        (&[("HTTPS_PROXY", " "), ("ALL_PROXY", "HTTP://a:1")], Some("a:1")),
        (&[("HTTPS_PROXY", "b:2"), ("ALL_PROXY", "a:1")], Some("b:2")),
        (&[("HTTPS_PROXY", "http://[fd00::1]:3128")], Some("[fd00::1]:3128")),
        (&[("HTTP_PROXY", "http://only.plain:80")], None),
    ];
    for (set, proxy) in cases {
        let proxies = read(set);
        assert_eq!(proxies.proxy().unwrap().map(ToString::to_string).as_deref(), *proxy, "{set:?}");
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_an_error_without_its_password() {
    for (url, says) in [
        ("https://u:hunter2@proxy:3128", "https://"),
        ("socks5://u:hunter2@proxy:1080", "socks5://"),
        ("http://u:hunter2@:80", "not a proxy"),
        ("http://u:hunter2@host:x", "not a proxy"),
        ("http://u:hunter2@host:0", "not a proxy"),
        ("http://u:hunter2@a b", "not a proxy"),
        ("http://[nonsense]:1", "not a proxy"),
    ] {
        let proxies = read(&[("HTTPS_PROXY", url), ("NO_PROXY", "near.example")]);
        let error = proxies.of("far.example", 443).unwrap_err().to_string();
        assert_eq!(proxies.of("near.example", 443), Ok(None), "what needs no proxy is reached all the same");
        assert!(error.contains(says) && error.contains("HTTPS_PROXY") && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn credentials_are_sent_and_never_shown() {
    let proxies = read(&[("HTTPS_PROXY", "http://us%40er:p%3Ass@proxy:3128")]);
    let proxy = proxies.of("example.com", 443).unwrap().unwrap();
    let request = proxy.connect_request("example.com", 443);
    // us@er:p:ss
    assert!(request.contains("Proxy-Authorization: Basic dXNAZXI6cDpzcw==\r\n"), "{request}");
    assert!(request.starts_with("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n"));
    assert_eq!(format!("{proxies:?} {proxy}").matches("ss@").count(), 0);
}

#[test]
fn what_needs_no_proxy_is_reached_directly() {
    let without = ".corp.example, internal.test:8443 *.star.test,10.0.0.0/8,192.0.2.7,[fd00::7]:22,,Upper.Case";
    let proxies = read(&[("HTTPS_PROXY", "proxy:1"), ("NO_PROXY", without)]);
    let cases = [
        ("example.com", 443, false),
        ("corp.example", 443, true),
        ("a.corp.example", 443, true),
        ("notcorp.example", 443, false),
        ("internal.test", 8443, true),
        ("internal.test", 443, false),
        ("x.star.test", 1, true),
        ("10.3.2.1", 1, true),
        ("11.3.2.1", 1, false),
        ("192.0.2.7", 1, true),
        ("fd00::7", 22, true),
        ("[fd00::7]", 23, false),
        ("upper.case.", 1, true),
        ("localhost", 1, true),
        ("x.localhost", 1, true),
        ("127.0.0.2", 1, true),
        ("::1", 1, true),
    ];
    for (host, port, direct) in cases {
        assert_eq!(proxies.of(host, port).unwrap().is_none(), direct, "{host}:{port}");
    }
    let all = read(&[("HTTPS_PROXY", "proxy:1"), ("no_proxy", "*")]);
    assert!(all.of("example.com", 443).unwrap().is_none());
}
