use super::*;

fn found(names: &[&str]) -> Vec<(String, PathBuf)> {
    names.iter().map(|it| ((*it).to_owned(), PathBuf::from(format!("/target/{it}")))).collect()
}

#[test]
fn the_program_is_the_only_one_or_the_one_of_the_right_name() {
    let chosen = |names: &[&str], wanted| choose(&found(names), "hello", wanted).map(|it| it.display().to_string());
    assert_eq!(chosen(&["server"], None).unwrap(), "/target/server");
    assert_eq!(chosen(&["client", "hello"], None).unwrap(), "/target/hello");
    assert_eq!(chosen(&["client", "hello"], Some("client")).unwrap(), "/target/client");
    assert!(chosen(&["client", "server"], None).unwrap_err().what.contains("client, server"));
    assert!(chosen(&["server"], Some("other")).is_err());
    assert!(chosen(&[], None).unwrap_err().hint.unwrap().contains("src/main.rs"));
}

#[test]
fn programs_are_read_from_what_cargo_says() {
    let messages = concat!(
        "{\"reason\":\"compiler-artifact\",\"target\":{\"kind\":[\"lib\"],\"name\":\"a\"},\"executable\":null}\n",
        "not json\n",
        "{\"reason\":\"compiler-artifact\",\"target\":{\"kind\":[\"bin\"],\"name\":\"hello\"},\"executable\":\"/t/hello\"}\n",
        "{\"reason\":\"build-finished\",\"success\":true}\n",
    );
    assert_eq!(programs(messages), [("hello".to_owned(), PathBuf::from("/t/hello"))]);
}

#[test]
fn flags_of_the_user_are_kept() {
    let flags = |variables: &[(&str, &str)]| {
        Flags::choose("x86_64-unknown-linux-gnu", |name| {
            variables.iter().find(|it| it.0 == name).map(|it| OsString::from(it.1))
        })
    };
    let setting = "target.x86_64-unknown-linux-gnu.rustflags=[\"-C\", \"target-feature=+crt-static\"]";
    assert_eq!(flags(&[]), Flags::Setting(setting.to_owned()));
    assert_eq!(flags(&[("RUSTFLAGS", "-g")]), Flags::Variable("RUSTFLAGS", "-g -C target-feature=+crt-static".into()));
    let encoded = flags(&[("CARGO_ENCODED_RUSTFLAGS", "-g"), ("RUSTFLAGS", "-x")]);
    let wanted = "-g\u{1f}-C\u{1f}target-feature=+crt-static";
    assert_eq!(encoded, Flags::Variable("CARGO_ENCODED_RUSTFLAGS", wanted.into()));
}
