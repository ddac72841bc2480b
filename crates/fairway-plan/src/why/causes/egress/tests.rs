use crate::why::CauseKind;
use crate::why::fixtures::*;

const OUTSIDE: &str =
    "api.example.com is not answered: pods of namespace shop--staging may reach nothing; to allow it, add it";

#[test]
fn a_host_outside_that_is_not_on_the_list_is_named() {
    let sentence = "my-api may not reach api.example.com: it is not among the addresses that staging allows";
    for line in ["GET https://api.example.com/ failed", "socket.gaierror: [Errno -2] Name or service not known"] {
        let cause = is(&exited(1, &[line]).event("EgressDenied", OUTSIDE), CauseKind::EgressDenied, sentence);
        assert_eq!(cause.fixed_by.as_deref(), Some("the platform team"));
    }
    let closed = "connection to api.example.com:8443 closed: pods of namespace shop--staging may reach nothing";
    is(
        &exited(1, &["api.example.com: Connection reset by peer"]).event("EgressDenied", closed),
        CauseKind::EgressDenied,
        "my-api may not reach api.example.com:8443: it is not among the addresses that staging allows",
    );
}

#[test]
fn a_policy_that_does_not_let_it_out_is_named() {
    let message = "connection refused from shop--staging/my-api-2-x (10.88.0.3) to shop--staging/my-api-db-0 (10.88.0.9) port 5432 (Service my-api-db port 5432): egress of shop--staging/my-api-2-x is closed by NetworkPolicy no-way-out, and no rule allows this";
    let seen = exited(1, &["connect: Connection reset by peer"]).event("NetworkPolicyDenied", message);
    is(&seen, CauseKind::EgressDenied, "my-api may not reach my-api-db: NetworkPolicy no-way-out does not let it");
}

#[test]
fn a_denial_that_the_program_lives_with_is_no_cause() {
    let cause = blames_nobody(&exited(1, &["the configuration is broken"]).event("EgressDenied", OUTSIDE));
    assert!(cause.evidence.iter().any(|it| it.text.contains("api.example.com")), "worth knowing nevertheless");
    let other = "connection refused from shop--staging/nosy (10.88.0.3) to shop--staging/my-api-2-x (10.88.0.9) port 8080: ingress of shop--staging/my-api-2-x is closed by NetworkPolicy my-api, and no rule allows this";
    blames_nobody(&exited(1, &["timed out"]).event("NetworkPolicyDenied", other));
}
