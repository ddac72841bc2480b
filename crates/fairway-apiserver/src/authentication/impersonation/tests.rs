use std::collections::BTreeSet;

use http::HeaderName;

use super::*;
use crate::Decision;

/// Allows exactly the questions listed, written `resource[/subresource] [namespace/]name`.
struct Only(BTreeSet<&'static str>);

impl Authorize for Only {
    fn authorize(&self, _: &Identity, asked: &Attributes<'_>) -> Decision {
        assert_eq!(asked.verb, "impersonate");
        let resource = match asked.subresource {
            "" => asked.resource.to_owned(),
            sub => format!("{}/{sub}", asked.resource),
        };
        let place = if asked.namespace.is_empty() { String::new() } else { format!("{}/", asked.namespace) };
        let question = format!("{resource} {place}{}", asked.name);
        if self.0.contains(question.as_str()) { Decision::Allow } else { Decision::Deny { why: String::new() } }
    }
}

/// The identity, as whoever `ask` asks for takes it.
fn taken(identity: Identity) -> Identity {
    Identity { impersonator: Some("local:0".into()), ..identity }
}

fn ask(allowed: &[&'static str], headers: &[(&'static str, &'static str)]) -> Result<Option<Identity>, ApiError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let caller = Identity { user: "local:0".into(), ..Identity::default() };
    impersonate(&Only(allowed.iter().copied().collect()), &caller, &map)
}

#[test]
fn without_the_headers_the_caller_stays_who_it_is() {
    assert_eq!(ask(&[], &[("x-remote-user", "admin"), ("x-forwarded-user", "admin")]), Ok(None));
}

#[test]
fn each_part_of_the_other_identity_needs_a_right_of_its_own() {
    let headers = [
        ("impersonate-user", "jane"),
        ("impersonate-group", "dev"),
        ("impersonate-group", "ops"),
        ("impersonate-uid", "7"),
        ("impersonate-extra-acme.com%2fscope", "a"),
    ];
    let rights = ["users jane", "groups dev", "groups ops", "uids 7", "userextras/acme.com/scope a"];
    let taken = ask(&rights, &headers).unwrap().unwrap();
    assert_eq!(taken.user, "jane");
    assert_eq!(taken.uid.as_deref(), Some("7"));
    assert_eq!(taken.groups, ["dev", "ops", "system:authenticated"]);
    assert_eq!(taken.extra["acme.com/scope"], ["a"]);
    for missing in rights {
        let fewer: Vec<_> = rights.into_iter().filter(|it| *it != missing).collect();
        assert_eq!(ask(&fewer, &headers).unwrap_err().code, 403, "without {missing}");
    }
}

#[test]
fn being_any_user_is_not_being_in_system_masters() {
    let headers = [("impersonate-user", "jane"), ("impersonate-group", "system:masters")];
    let error = ask(&["users jane"], &headers).unwrap_err();
    assert_eq!(
        error.message,
        r#"groups "system:masters" is forbidden: User "local:0" cannot impersonate resource "groups" in API group "" at the cluster scope"#
    );
    let taken = ask(&["users jane", "groups system:masters"], &headers).unwrap().unwrap();
    assert!(taken.groups.contains(&"system:masters".to_owned()));
}

#[test]
fn a_service_account_is_asked_for_as_one_and_gets_its_groups() {
    let robot = ask(&["serviceaccounts ns/robot"], &[("impersonate-user", "system:serviceaccount:ns:robot")]);
    assert_eq!(robot, Ok(Some(taken(Identity::service_account("ns", "robot")))));
    let spelled_wrong = [("impersonate-user", "system:serviceaccount:ns")];
    assert_eq!(ask(&["serviceaccounts ns/"], &spelled_wrong).unwrap_err().code, 403);
}

#[test]
fn anonymous_stays_unauthenticated() {
    let nobody = ask(&["users system:anonymous"], &[("impersonate-user", "system:anonymous")]).unwrap().unwrap();
    assert_eq!(nobody, taken(Identity::anonymous()));
}

#[test]
fn groups_without_a_user_and_doubled_users_make_no_sense() {
    for headers in [
        vec![("impersonate-group", "system:masters")],
        vec![("impersonate-uid", "1")],
        vec![("impersonate-extra-a", "b")],
        vec![("impersonate-user", ""), ("impersonate-group", "g")],
        vec![("impersonate-user", "a"), ("impersonate-user", "b")],
    ] {
        assert_eq!(ask(&["users a", "users b"], &headers).unwrap_err().code, 400, "{headers:?}");
    }
}
