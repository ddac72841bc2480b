use crate::{Digest, Reference, Target};

#[test]
fn names_with_a_tag_or_digest_are_references() {
    let digest = Digest::of(b"x");
    for text in [
        "a:1".to_owned(),
        "team/app__x/y-z--q.r:v1.2_3-B".to_owned(),
        "localhost:5000/app:1".to_owned(),
        "registry.test:443/a/b:latest".to_owned(),
        format!("a/b@{digest}"),
        format!("{}:{}", "n".repeat(255), "t".repeat(128)),
    ] {
        let reference: Reference = text.parse().unwrap();
        assert_eq!(reference.to_string(), text);
    }
    assert_eq!(format!("a@{digest}").parse::<Reference>().unwrap().target(), &Target::Digest(digest));
}

#[test]
fn everything_else_is_refused() {
    let (long_name, long_tag) = (format!("{}:1", "n".repeat(256)), format!("a:{}", "t".repeat(129)));
    for text in [
        "",
        "a",
        "a/b",
        "localhost:5000/a",
        ":1",
        "a:",
        "A:1",
        "a/:1",
        "/a:1",
        "a//b:1",
        "a..b:1",
        "a._b:1",
        "-a:1",
        "a-:1",
        "../a:1",
        "a/../b:1",
        "a/./b:1",
        "a:.1",
        "a:-1",
        "a:1/2",
        "a:ü",
        "a b:1",
        "a\0:1",
        "a:1\n",
        "a@1",
        "a@sha256:12",
        "a@sha512:ab",
        "a:1@x",
        "h:123456/a:1",
        "h:/a:1",
        "h:x/a:1",
        "a%2f:1",
        "a\\b:1",
        &long_name,
        &long_tag,
    ] {
        assert!(text.parse::<Reference>().is_err(), "{text:?}");
    }
    let upper = format!("a@sha256:{}", Digest::of(b"x").hex().to_uppercase());
    assert!(upper.parse::<Reference>().is_err());
}
