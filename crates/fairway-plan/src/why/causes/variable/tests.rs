use crate::why::CauseKind;
use crate::why::fixtures::*;

#[test]
fn every_way_to_miss_a_variable_is_understood() {
    for lines in [
        &["  File \"<frozen os>\", line 679, in __getitem__", "KeyError: 'GREETINGS'"][..],
        &["Error: environment variable GREETINGS not found"],
        &["thread 'main' panicked at src/main.rs:3: GREETINGS: environment variable not found"],
        &["panic: required environment variable \"GREETINGS\" is not set"],
        &["entry.sh: line 3: GREETINGS: unbound variable"],
    ] {
        let sentence = "variable GREETINGS, which container web asks for, is not set; GREETING is set";
        let cause = is(&exited(1, lines), CauseKind::MissingVariable, sentence);
        assert!(
            cause.evidence.iter().any(|it| it.text == "sets GREETING, ORDERS_URL, DB_PASSWORD, REGION"),
            "{cause:#?}"
        );
    }
    let sentence = "variable API_TOKEN_FILE, which container web asks for, is not set";
    is(&exited(1, &["FATAL API_TOKEN_FILE must be set"]), CauseKind::MissingVariable, sentence);
}

#[test]
fn what_is_set_or_is_no_variable_is_not_missed() {
    for line in [
        "environment variable REGION not found in table",
        "KeyError: 'TOTALS'",
        "ERROR page not found",
        "the header ACCEPT is missing",
        "environment variables are fine",
    ] {
        blames_nobody(&exited(1, &[line]));
    }
    let mut seen = exited(1, &["environment variable GREETINGS not found"]);
    seen.workload[0].inherited = None;
    blames_nobody(&seen);
}

#[test]
fn a_program_that_goes_on_without_it_does_not_miss_it() {
    let mut seen = exited(0, &["environment variable GREETINGS not set, using the default"]);
    blames_nobody(&seen);
    seen.workload.clear();
    blames_nobody(&seen);
}
