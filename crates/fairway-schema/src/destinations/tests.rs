use proptest::prelude::*;

use super::*;

#[test]
fn a_list_allows_what_it_names_and_no_more() {
    let list =
        Destinations::parse("index.crates.io:443, *.Example.com:443,*.example.com:8443\n\tregistry:5000,pypi.org.:443");
    assert_eq!(list.unreadable(), [] as [&str; 0]);
    let cases = [
        ("index.crates.io", 443, true),
        ("index.crates.io", 80, false),
        ("crates.io", 443, false),
        ("x.index.crates.io", 443, false),
        ("www.example.com", 443, true),
        ("a.b.example.com", 8443, true),
        ("example.com", 443, false),
        ("badexample.com", 443, false),
        (".example.com", 443, false),
        ("registry", 5000, true),
        ("pypi.org", 443, true),
        ("", 443, false),
    ];
    for (host, port, allowed) in cases {
        assert_eq!(list.has(host, port), allowed, "{host}:{port}");
        assert_eq!(list.ports(host).contains(&port), allowed, "{host}:{port}");
    }
    assert_eq!(list.ports("www.example.com"), [443, 8443].into());
}

#[test]
fn what_cannot_be_read_allows_nothing_says_why_and_leaves_the_rest_alone() {
    let cases = [
        ("example.com", "no port"),
        ("example.com:", "port"),
        ("example.com:0", "port"),
        ("example.com:65536", "port"),
        ("example.com:*", "port"),
        ("*:443", "two labels"),
        ("*.:443", "host name"),
        ("*.com:443", "two labels"),
        ("*example.com:443", "stands only before"),
        ("www.*.com:443", "stands only before"),
        ("*.*.com:443", "stands only before"),
        ("10.0.0.1:443", "address"),
        ("2130706433:443", "address"),
        ("0x7f000001:443", "address"),
        ("0x7f.1:443", "address"),
        ("[::1]:443", "address"),
        ("::1:443", "address"),
        ("*.0.0.1:443", "address"),
        (":443", "host name"),
        ("-a.com:443", "host name"),
        ("a..com:443", "host name"),
        ("exämple.com:443", "host name"),
        ("https://example.com:443", "host name"),
        ("user@example.com:443", "host name"),
        ("web.shop.svc.cluster.local:80", "cluster"),
        ("*.cluster.local:80", "cluster"),
    ];
    for (word, why) in cases {
        let list = Destinations::parse(&format!("good.example.com:1,{word}"));
        assert_eq!(list.to_string(), "good.example.com:1", "{word}");
        let [told] = list.unreadable() else { panic!("{word}: {:?}", list.unreadable()) };
        assert!(told.contains(why), "{word}: {told}");
    }
}

#[test]
fn one_destination_is_read_as_in_a_list_and_a_list_is_none() {
    assert_eq!(destination("Index.Crates.io.:443").as_deref(), Ok("index.crates.io:443"));
    assert_eq!(destination("*.crates.io:443").as_deref(), Ok("*.crates.io:443"));
    for bad in ["", "a:1,b:2", "a:1 b:2", " a:1", "a:1\n", "10.0.0.1:443", "*:443", "example.com"] {
        assert!(destination(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_list_without_end_is_cut_and_says_so() {
    let long: Vec<String> = (0..1000).map(|it| format!("h{it}.example.com:443")).collect();
    let list = Destinations::parse(&long.join(","));
    assert_eq!(list.to_string().split(',').count(), MAX_DESTINATIONS);
    assert_eq!(list.unreadable(), ["what is beyond 256 entries"]);
    let noise = Destinations::parse(&"é".repeat(10_000));
    assert!(noise.is_empty() && noise.unreadable()[0].len() < 200, "{:?}", noise.unreadable());
    assert!(Destinations::parse(" ,, \n").is_empty());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_its_own_spelling_reads_as_itself(text in "\\PC{0,200}|([a-z*.]{1,12}:[0-9]{1,5},?){0,8}") {
        let list = Destinations::parse(&text);
        let again = Destinations::parse(&list.to_string());
        prop_assert_eq!(list.to_string(), again.to_string());
        prop_assert!(again.unreadable().is_empty());
    }
}
