use serde_json::json;

use super::*;

/// A pod of a job that ended, and what it said.
pub(crate) fn pod<'a>(name: &str, job: &str, created: &str, said: impl Into<Option<&'a str>>) -> Pod {
    serde_json::from_value(json!({
        "metadata": {
            "name": name, "creationTimestamp": created,
            "ownerReferences": [{ "apiVersion": "batch/v1", "kind": "Job", "name": job, "uid": "1" }],
        },
        "status": { "containerStatuses": [{
            "name": "c", "image": "", "imageID": "", "ready": false, "restartCount": 0,
            "state": { "terminated": { "exitCode": 1, "message": said.into() } },
        }] },
    }))
    .unwrap()
}

#[test]
fn the_newest_pod_of_the_job_says_its_last_line_without_a_password() {
    let pods = [
        pod("a", "dump", "2026-01-01T00:00:00Z", "the first try"),
        pod("b", "dump", "2026-01-01T00:00:01Z", "begins\ncannot use postgresql://app_a:s3cr3t@db:5432/shop\n\n"),
        pod("c", "another", "2026-01-01T00:00:02Z", "nothing of this"),
    ];
    let newest = newest(&pods, |it| it == "dump").unwrap();
    let said = last_words(newest).unwrap();
    assert_eq!(newest.metadata.name.as_deref(), Some("b"));
    assert!(said.starts_with("cannot use postgresql://") && said.contains("@db:5432/shop"), "{said}");
    assert!(!said.contains("s3cr3t"), "{said}");
}

#[test]
fn a_line_without_end_is_cut_and_silence_says_nothing() {
    let long = pod("a", "dump", "2026-01-01T00:00:00Z", "x".repeat(1000).as_str());
    assert_eq!(last_words(&long).unwrap().len(), MOST);
    assert_eq!(last_words(&pod("a", "dump", "2026-01-01T00:00:00Z", " \n ")), None);
    assert!(newest(&[long], |it| it == "dumps").is_none());
}
