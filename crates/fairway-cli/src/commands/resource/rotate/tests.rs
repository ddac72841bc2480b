use crate::failure::Exit;

use super::*;

#[test]
fn what_has_no_two_logins_is_not_rotated_and_says_why() {
    let class = |logins: &[&str]| ResourceClassSpec {
        logins: logins.iter().map(|it| (*it).to_owned()).collect(),
        ..ResourceClassSpec::default()
    };
    let failure = refused("api-bucket", "bucket", &class(&[])).unwrap();
    assert_eq!(failure.exit, Exit::Refused);
    assert!(failure.what.contains("api-bucket is of class bucket, which has no two logins"), "{}", failure.what);
    assert!(refused("api-db", "postgres", &class(&["app_a", "app_b"])).is_none());
}
