use super::*;

#[test]
fn what_is_not_outside_is_known_in_every_spelling() {
    let inside = [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.96.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.1.2.3",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2002:7f00:1::",
        "fc00::1",
        "fd00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ];
    for address in inside {
        assert!(why_inside(address.parse().unwrap()).is_some(), "{address}");
    }
    let outside = [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "128.0.0.1",
        "169.253.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.167.0.1",
        "198.17.0.1",
        "198.20.0.1",
        "223.255.255.255",
        "2606:4700::1111",
        "2a00::1",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
    ];
    for address in outside {
        assert_eq!(why_inside(address.parse().unwrap()), None, "{address}");
    }
}

#[test]
fn the_machines_own_addresses_are_found_by_asking_it() {
    assert!(why_not("127.0.0.1:80".parse().unwrap(), &Exceptions::default()).is_some());
    assert_eq!(why_not("1.1.1.1:443".parse().unwrap(), &Exceptions::default()), None);
}

#[test]
fn exceptions_are_networks_and_perhaps_a_port() {
    let exceptions = Exceptions::parse(" 10.20.0.0/16, 127.0.0.1/32:8443 ,fd00::/8,[fe80::]/10:22").unwrap();
    let cases = [
        ("10.20.3.4:1", true),
        ("10.21.0.1:1", false),
        ("127.0.0.1:8443", true),
        ("127.0.0.1:8444", false),
        ("127.0.0.2:8443", false),
        ("[fd12::1]:5", true),
        ("[fe80::1]:22", true),
        ("[fe80::1]:23", false),
        ("[::ffff:10.20.0.1]:9", true),
    ];
    for (target, allowed) in cases {
        let target: SocketAddr = target.parse().unwrap();
        assert_eq!(exceptions.has(target), allowed, "{target}");
        assert_eq!(why_not(target, &exceptions).is_none(), allowed, "{target}");
    }
    for target in ["127.0.0.1:1", "10.0.0.1:1", "[::1]:1", "[fe80::1]:1"] {
        assert!(Exceptions::everything().has(target.parse().unwrap()), "{target}");
    }
    assert_eq!(Exceptions::parse("").unwrap(), Exceptions::default());
    for bad in ["10.0.0.0", "10.0.0.0/33", "host/8", "10.0.0.0/8:", "10.0.0.0/8:70000", "/8", "::/129", "10.0.0.0/-1"] {
        let error = Exceptions::parse(&format!("10.0.0.0/8,{bad}")).unwrap_err();
        assert!(error.to_string().contains(bad), "{error}");
    }
}
