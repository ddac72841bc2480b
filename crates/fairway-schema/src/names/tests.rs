use super::*;

#[test]
fn names_are_judged_in_the_words_of_the_api() {
    assert_eq!(
        dns_subdomain("Bad_Name"),
        [
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        ]
    );
    assert_eq!(
        dns_1035_label("1bad"),
        [
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
        ]
    );
    assert_eq!(
        qualified_name("bad key!"),
        [
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        ]
    );
    assert_eq!(
        qualified_name("a/b/c"),
        [
            "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        ]
    );
    assert_eq!(
        label_value("bad value!"),
        [
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
        ]
    );
    assert_eq!(
        config_map_key("bad key"),
        [
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
        ]
    );
    assert_eq!(dns_subdomain(&"x".repeat(254)), ["must be no more than 253 characters"]);
}

/// What tries to leave a path, a header or a terminal when it is used as a name.
const HOSTILE: [&str; 14] =
    ["", "..", ".", "a/../b", "%2e%2e", "a\0", "a\n", "-a", "a-", "é", "a b", "\u{202e}a", "a\u{1b}[0m", "a//b"];

#[test]
fn hostile_names_are_refused_everywhere() {
    for name in HOSTILE {
        assert!(!dns_subdomain(name).is_empty(), "{name:?}");
        assert!(!dns_label(name).is_empty(), "{name:?}");
        assert!(!dns_1035_label(name).is_empty(), "{name:?}");
        assert!(!qualified_name(name).is_empty(), "{name:?}");
        assert!(name.is_empty() || !label_value(name).is_empty(), "{name:?}");
    }
    for name in ["..", ".", "a/b", "a\0", "..data"] {
        assert!(!config_map_key(name).is_empty(), "{name:?}");
    }
    for name in [".", "..", "a/b", "a%b"] {
        assert!(!path_segment(name).is_empty(), "{name:?}");
    }
}

#[test]
fn good_names_pass() {
    assert!(dns_subdomain("a.b-c.0").is_empty());
    assert!(dns_label("0a").is_empty());
    assert!(qualified_name("example.com/My_Name.1").is_empty());
    assert!(label_value("").is_empty() && label_value("A-b_c.1").is_empty());
    assert!(config_map_key(".hidden").is_empty());
    assert!(path_segment("system:node").is_empty());
}
