use crate::why::CauseKind;
use crate::why::fixtures::*;

const SENTENCE: &str = "my-api calls ordres, and staging has no service of that name; orders is meant?";

#[test]
fn the_service_that_is_meant_is_suggested() {
    for line in [
        "psycopg.OperationalError: could not translate host name \"ordres\" to address: Name or service not known",
        "curl: (6) Could not resolve host: ordres",
        "Error: getaddrinfo ENOTFOUND ordres",
        "dial tcp: lookup ordres on 10.96.0.10:53: no such host",
        "urllib3.exceptions.NameResolutionError: Failed to resolve 'ordres' ([Errno -2] Name or service not known)",
        "java.net.UnknownHostException: ordres: Name or service not known",
        "http://ordres:80/items: failed to lookup address information: Name or service not known",
        "lookup ordres.shop--staging.svc.cluster.local on 10.96.0.10:53: no such host",
    ] {
        is(&exited(1, &[line, "exit"]), CauseKind::MisspeltService, SENTENCE);
    }
}

#[test]
fn a_setting_tells_what_the_line_does_not() {
    let cause = is(
        &exited(1, &["socket.gaierror: [Errno -2] Name or service not known"]),
        CauseKind::MisspeltService,
        SENTENCE,
    );
    assert!(cause.evidence.iter().any(|it| it.place == "variable ORDERS_URL"), "{cause:#?}");
}

#[test]
fn a_name_that_is_near_nothing_is_told_without_a_suggestion() {
    let line = "could not translate host name \"warehouse\" to address: Name or service not known";
    let sentence = "my-api calls warehouse, and staging has no service of that name";
    is(&exited(1, &[line]), CauseKind::MisspeltService, sentence);
}

#[test]
fn a_name_that_exists_or_is_outside_is_not_misspelt() {
    let mut seen = exited(1, &["dial tcp: lookup orders on 10.96.0.10:53: no such host"]);
    blames_nobody(&seen);
    seen = exited(1, &["curl: (6) Could not resolve host: api.example.com"]);
    seen.workload[0].variables.clear();
    blames_nobody(&seen);
}
