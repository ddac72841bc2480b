use serde_json::json;

use super::*;

#[test]
fn checks_of_the_host_are_shown_with_what_to_do() {
    let checks = of_machine(&json!({
        "checks": [
            { "name": "containers", "state": "missing", "says": "none", "advice": "set a sysctl" },
            { "name": "limits", "state": "ok", "says": "cgroups v2" },
            { "odd": true },
        ],
        "kernel": "6.1",
    }));
    let diagnosis = Diagnosis { checks };
    assert_eq!(
        diagnosis.table(),
        "CHECK       STATE    FOUND\ncontainers  missing  none\nlimits      ok       cgroups v2\nkernel      ok       6.1\n\
         containers: set a sysctl\n"
    );
    assert_eq!(diagnosis.exit(), Exit::NotReady);
}

#[tokio::test]
async fn a_tool_that_is_not_there_is_a_warning() {
    let check = tool("fairway-no-such-tool", "--version", "install it", State::Warning).await;
    assert_eq!((check.state, check.says.as_str()), (State::Warning, "not found"));
}

#[test]
fn a_folder_that_is_still_to_be_made_is_judged_by_the_one_above() {
    let above = tempfile::tempdir().unwrap();
    assert_eq!(folder(&Home::new(above.path().join("a/b"))).state, State::Ok);
}

#[test]
fn authorities_of_the_environment_that_win_over_the_platforms_are_named() {
    assert_eq!(certificates(None), None);
    let check = certificates(Some("/etc/company.pem".as_ref())).expect("a check");
    assert!(check.state == State::Warning && check.says.contains("/etc/company.pem"), "{check:?}");
    assert!(check.advice.is_some_and(|it| it.contains("env -u GIT_SSL_CAINFO git push")));
}
