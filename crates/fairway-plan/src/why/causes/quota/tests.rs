use crate::why::fixtures::*;
use crate::why::{CauseKind, Quota};

const REFUSED: &str = "Error creating: pods \"my-api-2-x\" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=2, limited: pods=2: Forbidden";

#[test]
fn a_full_quota_says_what_is_asked_for_and_what_there_is() {
    let mut seen = nothing().event_of("ReplicaSet", "my-api-7c9", "FailedCreate", REFUSED);
    seen.quotas
        .push(Quota { name: "compute".to_owned(), of: vec![("pods".to_owned(), "2".to_owned(), "2".to_owned())] });
    let left = taken_back(&format!("the cluster makes no instance: {REFUSED}"), &[]);
    let sentence = "quota compute of staging is full (pods: 2 of 2 are used, 1 more asked for)";
    let cause = is(&seen, CauseKind::QuotaFull, sentence);
    is(&left, CauseKind::QuotaFull, sentence);
    assert_eq!(cause.fixed_by.as_deref(), Some("the platform team"));
    assert!(cause.evidence.iter().any(|it| it.place == "ResourceQuota compute" && it.text == "pods 2 of 2"));
}

#[test]
fn another_refusal_to_make_a_pod_is_not_the_quota() {
    let refused = "Error creating: pods \"my-api-2-x\" is forbidden: error looking up service account";
    blames_nobody(&nothing().event_of("ReplicaSet", "my-api-7c9", "FailedCreate", refused));
}
